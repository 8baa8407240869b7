/** The settings of the keepers that meter and cut users: Xray, SSH, OpenVPN. */
import { parseApi, parseManagement } from "./config-addresses.ts";
import {
  field,
  flag,
  integer,
  list,
  oneOf,
  parsed,
  part,
  parts,
  refuseTwins,
  type Section,
} from "./config-fields.ts";
import { absolutePath, textLike } from "./config-values.ts";
import { type KeeperName, keeperName, type UserName, userName } from "./names.ts";
import { type Bytes, type Milliseconds, milliseconds, NO_BYTES } from "./units.ts";

export interface XraySettings {
  /** The keeper its counters are booked under: kept when entries are added or change places. */
  readonly name: KeeperName;
  /** As gRPC names it: "127.0.0.1:10085", "unix:/path", "unix-abstract:name". */
  readonly api: string;
  /** The engine's config file; "auto" looks where engines and panels keep it, null leaves it alone. */
  readonly config: string | null;
  /** Its access log; "auto" takes the path from the config, null does without. */
  readonly accessLog: string | null;
  /** The systemd unit to restart; null when nothing may be restarted. */
  readonly service: string | null;
  /** Whether users get marked outbounds and gates in the kernel. */
  readonly gates: "auto" | "off";
}

export interface SshSettings {
  readonly backend: "auto" | "nftables" | "iptables";
  /** The lowest uid that is metered and may be cut. Never 0. */
  readonly minUid: number;
  readonly onLimit: "delete" | "lock" | "cut";
  /** Logins that are never touched, whatever they use. */
  readonly protected: readonly UserName[];
  /** No account is deleted within this span of a start, an import, a settings change or a clock jump. */
  readonly deleteQuiet: Milliseconds;
  readonly archiveHome: boolean;
  /** Interactive shells whose owners may be deleted all the same. */
  readonly shells: readonly string[];
  /** Where logins are told; "auto" looks for auth.log and secure, and asks the journal; null does without. */
  readonly authLog: string | null;
  /** Where the shell scripts' own files are, whose rows go with a deleted login; null leaves them alone. */
  readonly legacyDirectory: string | null;
  /** Where "ssh-NAME.txt" is published; null leaves it alone. */
  readonly publicDirectory: string | null;
}

export interface OpenvpnSettings {
  /** "openvpn:" and the server's name. */
  readonly name: KeeperName;
  /** The management interface: a socket's path, or "host:port"; null where there is only a status file. */
  readonly management: string | null;
  /** The file with the management interface's password; null for one without. */
  readonly passwordFile: string | null;
  /** Read where there is no management interface: coarser, and cuts nobody. */
  readonly statusFile: string | null;
  /** The server's config file; "auto" asks its process, null leaves it alone. */
  readonly config: string | null;
  /** What makes a client somebody: his certificate's common name, or the name he signs in with. */
  readonly usersBy: "common-name" | "username";
  /** Whether clients get gates in the kernel, on their tunnel addresses. */
  readonly gates: "auto" | "off";
  /**
   * How a cut user is kept out: "retry", the hook refuses him and a client that
   * tries again comes back after the reset; "wait", the hook lets him in behind
   * a shut gate and his client is told to wait and to come again.
   */
  readonly return: "retry" | "wait";
  /** How long a cut client is told to wait before it comes again. */
  readonly backoff: Milliseconds;
  /** Sluice answers the server's `management-client-auth`: nobody gets in while it does not run. */
  readonly clientAuth: boolean;
  /** Releases a server that waits in `management-hold`. */
  readonly releaseHold: boolean;
  /** What other programs may do through the pass-through socket. */
  readonly passThrough: "read" | "control" | "off";
  /** Whom the connect hook lets in while it finds no list of the denied: all, or nobody. */
  readonly withoutList: "allow" | "refuse";
  /** The longest time between two looks at the server's status; undefined is `max_period_ms`. */
  readonly bytecountInterval: Milliseconds | undefined;
  /** Between two comparisons of wanted and real cuts. */
  readonly reconcileInterval: Milliseconds;
  /** The least time between looks where the management interface is on TCP and shared with other programs. */
  readonly monitorInterval: Milliseconds | undefined;
  /** Bytes allowed over a limit before the cut. */
  readonly quotaBuffer: Bytes;
}

/** The address in every guide and autoscript; its keeper is plain "xray". */
const USUAL_API = "127.0.0.1:10085";

export function readXray(root: Section): XraySettings[] {
  const engines = parts(
    root,
    "xray",
    ["name", "api", "config", "access_log", "service", "gates"],
    readEngine,
  );
  refuseTwins(engines, "xray", "api", ({ api }) => api, root.problems);
  refuseTwins(engines, "xray", "name", ({ name }) => name, root.problems);
  return engines;
}

function readEngine(engine: Section): XraySettings {
  const api = parsed(engine, "api", USUAL_API, parseApi);
  const unnamed = api === USUAL_API ? "xray" : `xray@${api}`;
  return {
    // "ssh" and "openvpn" would share their counters; ":" and "@" are for names that are made here.
    name: keeperName(
      field(
        engine,
        "name",
        unnamed,
        `1 to 64 of A-Z a-z 0-9 . _ -, other than "ssh" and "openvpn"`,
        (value) => textLike(value, /^(?!(?:ssh|openvpn)$)[\w.-]{1,64}$/),
      ),
    ),
    api,
    config: pathAutoOrNull(engine, "config"),
    accessLog: pathAutoOrNull(engine, "access_log"),
    service: field(engine, "service", "xray.service", "the name of a systemd unit, or null", (value) =>
      // No leading dash: the name goes to systemctl as an argument.
      value === null ? value : textLike(value, /^[\w@.\\:][\w@.\\:-]{0,254}$/),
    ),
    gates: oneOf(engine, "gates", ["auto", "off"], "auto"),
  };
}

export function readSsh(root: Section): SshSettings | null {
  const keys = [
    ...["backend", "min_uid", "on_limit", "protected", "delete_quiet_s", "archive_home"],
    ...["shells", "auth_log", "legacy_directory", "public_directory"],
  ];
  return part(root, "ssh", keys, (ssh) => ({
    backend: oneOf(ssh, "backend", ["auto", "nftables", "iptables"], "auto"),
    minUid: integer(ssh, "min_uid", { min: 1, max: 2 ** 32 - 2, fallback: 1000 }),
    onLimit: oneOf(ssh, "on_limit", ["delete", "lock", "cut"], "delete"),
    protected: list(ssh, "protected", [], "user names", asUserName),
    deleteQuiet: milliseconds(
      integer(ssh, "delete_quiet_s", { min: 0, max: 7 * 86_400, fallback: 600 }) * 1000,
    ),
    archiveHome: flag(ssh, "archive_home", false),
    shells: list(ssh, "shells", [], "absolute paths of shells", absolutePath),
    authLog: pathAutoOrNull(ssh, "auth_log"),
    legacyDirectory: pathOrNull(ssh, "legacy_directory"),
    publicDirectory: pathOrNull(ssh, "public_directory"),
  }));
}

const SERVER_KEYS = [
  ...["name", "management", "password_file", "status_file", "config", "users_by", "gates", "return"],
  ...["backoff_s", "client_auth", "release_hold", "pass_through", "without_list"],
];

export function readOpenvpn(root: Section): OpenvpnSettings[] {
  const servers = parts(root, "openvpn", SERVER_KEYS, readServer);
  refuseTwins(servers, "openvpn", "name", ({ name }) => name, root.problems);
  return servers;
}

function readServer(server: Section): OpenvpnSettings {
  const name = field(server, "name", "server", "1 to 64 of A-Z a-z 0-9 . _ @ -", (value) =>
    textLike(value, /^[\w.@-]{1,64}$/),
  );
  const statusFile = pathOrNull(server, "status_file");
  const management =
    server.fields["management"] === null
      ? null
      : parsed(server, "management", "/run/openvpn/ovpn-mgmt.sock", parseManagement);
  if (management === null && statusFile === null) {
    server.problems.push(`${server.path}: expected management or status_file, got null for both`);
  }
  return {
    name: keeperName(`openvpn:${name}`),
    management,
    passwordFile: pathOrNull(server, "password_file"),
    statusFile,
    config: pathAutoOrNull(server, "config"),
    usersBy: oneOf(server, "users_by", ["common-name", "username"], "common-name"),
    gates: oneOf(server, "gates", ["auto", "off"], "auto"),
    return: oneOf(server, "return", ["retry", "wait"], "retry"),
    backoff: milliseconds(integer(server, "backoff_s", { min: 1, max: 3600, fallback: 60 }) * 1000),
    clientAuth: flag(server, "client_auth", false),
    releaseHold: flag(server, "release_hold", false),
    passThrough: oneOf(server, "pass_through", ["read", "control", "off"], "read"),
    withoutList: oneOf(server, "without_list", ["allow", "refuse"], "allow"),
    bytecountInterval: undefined,
    reconcileInterval: milliseconds(30_000),
    monitorInterval: undefined,
    quotaBuffer: NO_BYTES,
  };
}

function pathOrNull(from: Section, key: string): string | null {
  return field<string | null>(from, key, null, "an absolute path, or null", (value) =>
    value === null ? value : absolutePath(value),
  );
}

function pathAutoOrNull(from: Section, key: string): string | null {
  return field<string | null>(from, key, "auto", '"auto", an absolute path, or null', (value) =>
    value === null || value === "auto" ? value : absolutePath(value),
  );
}

function asUserName(item: unknown): UserName | undefined {
  try {
    return typeof item === "string" ? userName(item) : undefined;
  } catch {
    return undefined;
  }
}
