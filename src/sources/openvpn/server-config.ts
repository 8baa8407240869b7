/**
 * What an OpenVPN server's config says of all that concerns metering and cutting.
 *
 * Where an option stands several times, the last counts, as for OpenVPN.
 *
 * Pure: no clock, no I/O.
 */
import { type ConfigOption, readConfigLines } from "./config-lines.ts";

export interface ManagementLine {
  /** A socket's path, or "host:port". */
  readonly address: string;
  readonly unix: boolean;
  /** The file with its password. */
  readonly passwordFile: string | undefined;
}

export interface ServerConfig {
  /** Whether clients come in by it; false for a client's or a point-to-point config. */
  readonly isServer: boolean;
  readonly options: readonly ConfigOption[];
  /** The one that counts. */
  readonly management: ManagementLine | undefined;
  readonly managementClientAuth: boolean;
  readonly managementHold: boolean;
  readonly statusFile: string | undefined;
  /** Seconds between two of its writes. */
  readonly statusInterval: number;
  readonly statusVersion: number;
  /** Command lines of the hooks. */
  readonly connectHook: string | undefined;
  readonly disconnectHook: string | undefined;
  readonly scriptSecurity: number;
  /** As whom it goes on after its start; undefined for whoever starts it. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly chroot: string | undefined;
  readonly device: string | undefined;
  readonly protocol: string;
  readonly port: number;
  /** Clients reach each other inside the server, past the kernel. */
  readonly clientToClient: boolean;
  readonly duplicateCommonName: boolean;
  readonly usernameAsCommonName: boolean;
  readonly clientCertificate: "require" | "optional" | "none";
  /** Something of the operator's checks names and passwords: a script or a plugin. */
  readonly checksPasswords: boolean;
  readonly verbosity: number;
  /** The tunnel's networks: "10.8.0.0 255.255.255.0", "fd00::/64". */
  readonly networks: readonly string[];
  /** Files with options of single clients (iroute). */
  readonly clientConfigFolder: string | undefined;
  readonly dcoDisabled: boolean;
  /** Seconds until a silent client is given up on the server: twice the second number of keepalive. */
  readonly silence: number | undefined;
  /** Files it takes in, which are not read here. */
  readonly includes: readonly string[];
  readonly problems: readonly string[];
}

/** Options that only a server for many clients has. */
const SERVER_OPTIONS = ["server", "server-bridge", "server-ipv6"];

export function readServerConfig(text: string): ServerConfig {
  const { options, problems } = readConfigLines(text);
  const all = (name: string) => options.filter((option) => option.name === name);
  const last = (name: string) => all(name).at(-1)?.words;
  const has = (name: string) => all(name).length > 0;
  const word = (name: string) => last(name)?.[0];
  const count = (name: string, fallback: number) => wholeNumber(word(name)) ?? fallback;
  const keepalive = wholeNumber(last("keepalive")?.[1]);
  return {
    isServer: SERVER_OPTIONS.some(has) || (word("mode") === "server" && has("tls-server")),
    options,
    management: managementOf(last("management")),
    managementClientAuth: has("management-client-auth"),
    managementHold: has("management-hold"),
    statusFile: word("status"),
    statusInterval: wholeNumber(last("status")?.[1]) ?? USUAL_STATUS_INTERVAL,
    statusVersion: count("status-version", 1),
    connectHook: word("client-connect"),
    disconnectHook: word("client-disconnect"),
    scriptSecurity: count("script-security", 1),
    user: word("user"),
    group: word("group"),
    chroot: word("chroot"),
    device: word("dev"),
    protocol: word("proto") ?? "udp",
    port: wholeNumber(word("port") ?? word("lport")) ?? 1194,
    clientToClient: has("client-to-client"),
    duplicateCommonName: has("duplicate-cn"),
    usernameAsCommonName: has("username-as-common-name"),
    clientCertificate: certificateOf(word("verify-client-cert"), has("client-cert-not-required")),
    checksPasswords: has("auth-user-pass-verify") || has("plugin"),
    verbosity: count("verb", 1),
    networks: [
      ...all("server").map(({ words }) => words.slice(0, 2).join(" ")),
      ...all("server-ipv6").flatMap(({ words }) => words.slice(0, 1)),
    ],
    clientConfigFolder: word("client-config-dir"),
    dcoDisabled: has("disable-dco"),
    silence: keepalive === undefined ? undefined : keepalive * 2,
    includes: all("config").flatMap(({ words }) => words.slice(0, 1)),
    problems,
  };
}

const USUAL_STATUS_INTERVAL = 60;

function managementOf(words: readonly string[] | undefined): ManagementLine | undefined {
  const [host, port, passwordFile] = words ?? [];
  if (host === undefined || port === undefined) return undefined;
  const unix = port === "unix";
  const name = host.includes(":") ? `[${host}]` : host;
  return { address: unix ? host : `${name}:${port}`, unix, passwordFile };
}

function certificateOf(word: string | undefined, old: boolean): ServerConfig["clientCertificate"] {
  if (word === "none" || (word === undefined && old)) return "none";
  return word === "optional" ? "optional" : "require";
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
