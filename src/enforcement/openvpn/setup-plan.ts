/**
 * Plans what an OpenVPN server's config needs for Sluice to meter and cut its
 * clients: a management socket nobody else reaches, a status file, the hooks.
 *
 * Planned again on its own result it changes nothing.
 *
 * Pure: no clock, no I/O.
 */
import { RefusedRequestError } from "../../errors.ts";
import { LONGEST_LINE, quoted, wordsOf } from "../../sources/openvpn/config-lines.ts";
import { readServerConfig, type ServerConfig } from "../../sources/openvpn/server-config.ts";
import { withoutSetup, withSetup } from "./setup-text.ts";

export interface SetupFacts {
  /** Where the management socket is to be. */
  readonly socket: string;
  /** Where the status goes if nothing says it; undefined where the server's command line does. */
  readonly statusFile: string | undefined;
  /** The hooks, a word each. */
  readonly connect: readonly string[];
  readonly disconnect: readonly string[];
  /** Sluice is to answer at the door. */
  readonly clientAuth: boolean;
}

export interface SetupPlan {
  readonly text: string;
  /** What is different, a clause each. */
  readonly changes: readonly string[];
  /** Command lines of hooks that are not ours and will not run any more. */
  readonly replacedHooks: readonly string[];
  /** As it is without what setup adds. */
  readonly config: ServerConfig;
}

/** What lets only some in at the socket: root is turned away as well (facts: openvpn, 4). */
const DOORS = ["management-client", "management-client-user", "management-client-group"];

/** @throws {RefusedRequestError} when the config cannot be read, or must not be changed. */
export function planSetup(text: string, facts: SetupFacts): SetupPlan {
  const before = withoutSetup(text);
  const config = readServerConfig(before);
  const why = obstacle(config, facts);
  if (why !== undefined) throw new RefusedRequestError(why);

  const off = new Set<number>();
  const added: string[] = [];
  const changes: string[] = [];
  const replace = (names: readonly string[], words: readonly string[]): boolean => {
    const there = config.options.filter(({ name }) => names.includes(name));
    const [only, ...others] = there;
    if (only && others.length === 0 && sameWords([only.name, ...only.words], words)) return false;
    for (const { line } of there) off.add(line);
    added.push(words.map(quoted).join(" "));
    return true;
  };

  if (replace(["management", ...DOORS], ["management", facts.socket, "unix"])) {
    changes.push(
      `management: at ${facts.socket}, in a folder of root's${insteadOf(config.management?.address)}`,
    );
  }
  if (config.statusFile === undefined && facts.statusFile !== undefined) {
    added.push(`status ${quoted(facts.statusFile)} 10`, "status-version 3");
    changes.push(`status: every 10 s to ${facts.statusFile}`);
  }
  if (config.scriptSecurity < 2) {
    added.push("script-security 2");
    changes.push("script-security 2: the server may start hooks");
  }
  for (const [name, words] of [
    ["client-connect", facts.connect],
    ["client-disconnect", facts.disconnect],
  ] as const) {
    if (replace([name], [name, words.map(quoted).join(" ")])) changes.push(`${name}: ${words[0]}`);
  }
  if (facts.clientAuth && !config.managementClientAuth) {
    added.push("management-client-auth");
    if (!config.checksPasswords && !config.options.some(({ name }) => name === "auth-user-pass-optional")) {
      added.push("auth-user-pass-optional");
    }
    changes.push(
      "management-client-auth: Sluice answers at the door, and nobody gets in while it does not run",
    );
  }
  const long = added.find((line) => new TextEncoder().encode(line).length > LONGEST_LINE);
  if (long !== undefined) {
    throw new RefusedRequestError(
      `Cannot set it up: OpenVPN reads at most ${LONGEST_LINE} bytes of "${long}"`,
    );
  }
  return { text: withSetup(before, off, added), changes, replacedHooks: foreignHooks(config), config };
}

/** Ours by its place in the program, wherever that is. */
export function isOurHook(command: string): boolean {
  const [program = ""] = wordsOf(command, () => undefined) ?? [];
  return /\/scripts\/openvpn\/client-(?:dis)?connect$/.test(program);
}

function foreignHooks({ connectHook, disconnectHook }: ServerConfig): string[] {
  return [connectHook, disconnectHook]
    .filter((hook) => hook !== undefined)
    .filter((hook) => !isOurHook(hook));
}

/** Why it is left alone; undefined where nothing speaks against it. */
function obstacle(config: ServerConfig, { clientAuth }: SetupFacts): string | undefined {
  const action = "Cannot set it up";
  const [problem] = config.problems;
  if (problem !== undefined) return `${action}: OpenVPN cannot read it either: ${problem}`;
  if (!config.isServer) return `${action}: it is no server's config ("server" or "mode server" is missing)`;
  const [include] = config.includes;
  if (include !== undefined)
    return `${action}: it takes in "${include}", which would have to be looked at too`;
  if (config.chroot !== undefined) {
    return `${action}: it runs in "${config.chroot}" (chroot), where no hook of ours is to be found`;
  }
  if (config.managementClientAuth && !clientAuth) {
    return `${action}: another program answers its clients at the management socket (management-client-auth), and nobody could log in without it; --client-auth gives that to Sluice`;
  }
  if (clientAuth && config.clientCertificate !== "require" && !config.checksPasswords) {
    return `${action} with --client-auth: it asks for no certificate (verify-client-cert), and nothing else would check passwords`;
  }
  return undefined;
}

function insteadOf(address: string | undefined): string {
  return address === undefined ? "" : ` instead of ${address}`;
}

function sameWords(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((word, index) => word === right[index]);
}
