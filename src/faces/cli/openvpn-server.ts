/** The OpenVPN servers that are to be set up: their configs, their names, and what they need to be told. */
import { readFileSync, statSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_PATH, type OpenvpnSettings, type Settings } from "../../config.ts";
import type { SetupFacts } from "../../enforcement/openvpn/setup-plan.ts";
import { withoutSetup } from "../../enforcement/openvpn/setup-text.ts";
import { SOCKET_FOLDER } from "../../enforcement/openvpn/unit-drop-in.ts";
import { RefusedRequestError } from "../../errors.ts";
import { parseJsonc } from "../../jsonc.ts";
import { readServerConfig, type ServerConfig } from "../../sources/openvpn/server-config.ts";
import { type FoundServer, findServers } from "../../sources/openvpn/server-process.ts";
import { spoolOf } from "../../sources/openvpn/spool-folder.ts";
import { type Host, thisHost } from "../doctor/host.ts";

export interface ChosenServer extends FoundServer {
  /** What the settings say of it; undefined where they do not mention it. */
  readonly settings: OpenvpnSettings | undefined;
  /** Its config as it stands. */
  readonly standing: ServerConfig;
  /** The same without what an earlier setup added. */
  readonly content: ServerConfig;
}

/** Of the program's hooks; setup writes absolute paths. */
export const HOOKS = fileURLToPath(new URL("../../../scripts/openvpn", import.meta.url));

/**
 * The servers of this host, or the one of that name.
 *
 * @throws {RefusedRequestError} where there is none.
 */
export function chooseServers(settings: Settings, name: string | undefined): readonly ChosenServer[] {
  const all = serversOn(thisHost(), mentioned(settings));
  const chosen = name === undefined ? all : all.filter((server) => server.name === name);
  if (chosen.length > 0) return chosen;
  if (all.length === 0) {
    throw new RefusedRequestError(
      "Cannot set up OpenVPN: found no server's config, neither of a running openvpn nor in /etc/openvpn; name the file as openvpn.config in the settings",
    );
  }
  throw new RefusedRequestError(
    `Cannot set up "${name}": expected one of ${all.map((server) => server.name).join(", ")}`,
  );
}

/** All servers that a host has configs of. @param named what the settings say of servers. */
export function serversOn(host: Host, named: readonly OpenvpnSettings[]): readonly ChosenServer[] {
  const taken = new Set<string>();
  const found = uniqueBy([...findServers(host), ...namedConfigs(named)], ({ config }) => config);
  return found.flatMap((server): ChosenServer[] => {
    const text = textOf(host, server.config);
    if (text === undefined) return [];
    const [standing, content] = [readServerConfig(text), readServerConfig(bare(text))];
    if (!content.isServer) return [];
    const entry = named.find((one) => isOf(one, server, [content, standing]));
    const name = entry ? entry.name.slice("openvpn:".length) : freeName(server, taken, named);
    taken.add(name);
    return [{ ...server, name, settings: entry, standing, content }];
  });
}

export interface Wishes {
  readonly clientAuth: boolean;
}

/** Those whose config, as it stands, calls one of these scripts. */
export function serversWithHooks(scripts: readonly string[]): readonly FoundServer[] {
  const host = thisHost();
  return findServers(host).filter(({ config }) => {
    const text = textOf(host, config);
    return text !== undefined && scripts.some((script) => text.includes(script));
  });
}

/** What its config is to say. */
export function factsOf(settings: Settings, server: ChosenServer, { clientAuth }: Wishes): SetupFacts {
  const { name, content, statusGiven } = server;
  const entry = server.settings;
  const denied = join(settings.runtimeDirectory, "denied");
  const usersBy = usersOf(server) === "username" ? "username" : "common_name";
  const words = [denied, name, entry?.withoutList ?? "allow", entry?.return ?? "retry", usersBy];
  return {
    socket: keptSocket(content) ?? join(SOCKET_FOLDER, `${name}.sock`),
    statusFile: statusGiven ? undefined : join(SOCKET_FOLDER, `${name}.status`),
    connect: [join(HOOKS, "client-connect"), ...words],
    disconnect: [join(HOOKS, "client-disconnect"), spoolOf(settings.dataDirectory, name)],
    clientAuth: clientAuth || (entry?.clientAuth ?? false),
  };
}

/** Without certificates, and without the names taken for theirs, clients have no common name. */
export function usersOf({ settings, content }: ChosenServer): OpenvpnSettings["usersBy"] {
  if (settings) return settings.usersBy;
  return content.clientCertificate === "none" && !content.usernameAsCommonName ? "username" : "common-name";
}

/** One that stands where only root and a group get to may stay. */
function keptSocket({ management, options }: ServerConfig): string | undefined {
  if (!management?.unix || management.passwordFile !== undefined || !isAbsolute(management.address))
    return undefined;
  if (options.some(({ name }) => name.startsWith("management-client") && name !== "management-client-auth"))
    return undefined;
  try {
    const folder = statSync(dirname(management.address));
    return (folder.mode & 0o007) === 0 && folder.uid === 0 ? management.address : undefined;
  } catch {
    return undefined; // not there: nobody made sure of it
  }
}

/** None where the settings' file has nothing of OpenVPN: what stands in the settings then is the default. */
function mentioned(settings: Settings): readonly OpenvpnSettings[] {
  return settingsMention(settings) ? settings.openvpn : [];
}

export function settingsMention({ path }: Settings): boolean {
  let text: string;
  try {
    text = readFileSync(path ?? DEFAULT_PATH, "utf8");
  } catch {
    return false;
  }
  return Object.hasOwn(Object(parseJsonc(text)) as object, "openvpn");
}

function namedConfigs(named: readonly OpenvpnSettings[]): FoundServer[] {
  return named.flatMap(({ name, config }) =>
    config === null || config === "auto"
      ? []
      : [
          {
            name: name.slice("openvpn:".length),
            config,
            folder: dirname(config),
            pid: undefined,
            unit: undefined,
            statusGiven: false,
          },
        ],
  );
}

/** Undefined for what is no file either. */
function textOf(host: Host, config: string): string | undefined {
  return host.stat(config)?.isFile() ? host.read(config) : undefined;
}

/** One that was damaged is shown as it stands; the plan refuses it. */
function bare(text: string): string {
  try {
    return withoutSetup(text);
  } catch {
    return text;
  }
}

function isOf(entry: OpenvpnSettings, server: FoundServer, configs: readonly ServerConfig[]): boolean {
  if (entry.config !== null && entry.config !== "auto") return entry.config === server.config;
  const addresses = configs.map(({ management }) => management?.address);
  return (
    (entry.management !== null && addresses.includes(entry.management)) ||
    entry.name === `openvpn:${server.name}`
  );
}

/** "server", or with its unit where that is taken: "openvpn-server@server"; else with a number. */
function freeName(
  server: FoundServer,
  taken: ReadonlySet<string>,
  named: readonly OpenvpnSettings[],
): string {
  const used = new Set([...taken, ...named.map(({ name }) => name.slice("openvpn:".length))]);
  const isFree = (name: string) => /^[\w.@-]{1,64}$/.test(name) && !used.has(name);
  const names = [server.name, server.unit?.replace(/\.service$/, "") ?? "server", "server"];
  const free = names.find(isFree);
  if (free !== undefined) return free;
  for (let number = 2; ; number++) if (isFree(`server-${number}`)) return `server-${number}`;
}

function uniqueBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] {
  return [...new Map(items.toReversed().map((item) => [keyOf(item), item])).values()].toReversed();
}
