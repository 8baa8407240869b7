/**
 * A line of the authentication log that tells of a login through SSH.
 *
 *   syslog   "Nov 21 05:51:27 host dropbear[123]: TEXT", or with an ISO 8601 time in front
 *   dropbear -E on its standard error: "[123] Nov 21 05:51:27 TEXT", where a service manager may put the former in front
 *
 * Names in TEXT are whatever a client sent, so nothing is looked for in the
 * middle of it: a text has its first words right behind the daemon's name, and
 * the address is read from its right end.
 *
 * Pure: no I/O, no state between calls.
 */
import { canonicalAddress } from "../addresses.ts";

export type LoginDaemon = "dropbear" | "sshd";

export interface LoginLine {
  readonly daemon: LoginDaemon;
  /** The process that serves the connection. Of sshd's two it is the one that stays root. */
  readonly pid: number;
  /** As logged; not every text is a user name. */
  readonly user: string;
  /** The client's end, or its proxy's, in the socket table's spelling: IPv4-mapped as IPv4, no zone. */
  readonly address: string;
  readonly port: number;
  /** "password", "pubkey", or sshd's own word for another: "keyboard-interactive/pam". */
  readonly method: string;
}

/** Syslog cuts at 8 KiB by default, names at 32 characters: longer lines are no logins. */
const LONGEST = 4096;

const TIME = String.raw`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d`;
const SYSLOG = new RegExp(
  String.raw`^(?:${TIME}|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)?) \S+ (dropbear|sshd|sshd-session)\[(\d{1,10})\]: (.*)$`,
);
const STANDARD_ERROR = new RegExp(String.raw`^\[(\d{1,10})\] ${TIME} (.*)$`);

/** @returns undefined for any line that does not tell of a login. */
export function parseLoginLine(line: string): LoginLine | undefined {
  if (line.length > LONGEST) return undefined;
  const [, name, pid, text] = SYSLOG.exec(line) ?? [];
  if (name === undefined || text === undefined) return parseLoginText("dropbear", undefined, line);
  return parseLoginText(name === "dropbear" ? "dropbear" : "sshd", Number(pid), text);
}

/**
 * @param pid who wrote it, where that is known. Dropbear's standard error says so itself in the text, and is
 * believed: a service manager names the process that opened the stream.
 */
export function parseLoginText(
  daemon: LoginDaemon,
  pid: number | undefined,
  text: string,
): LoginLine | undefined {
  if (text.length > LONGEST) return undefined;
  const [, ownPid, ownText] = (daemon === "dropbear" && STANDARD_ERROR.exec(text)) || [];
  const writer = ownPid === undefined ? pid : Number(ownPid);
  const login = daemon === "dropbear" ? dropbearLogin(ownText ?? text) : sshdLogin(text);
  const address = login && canonicalAddress(login.address);
  if (writer === undefined || writer < 1 || !login || address === undefined || login.port > 65_535)
    return undefined;
  return { ...login, daemon, pid: writer, address };
}

type Told = Pick<LoginLine, "user" | "address" | "port" | "method">;

const DROPBEAR_PASSWORD = /^(?:Password|PAM password) auth succeeded for '(.+)'$/;
/** The key's type came with 2020.79, its SHA256 with 2022.83. */
const DROPBEAR_PUBKEY = /^Pubkey auth succeeded for '(.+)' with (?:\S+ )?key \S.*$/;
const DROPBEAR_CLIENT = /^(\S+):(\d{1,5})$/;

function dropbearLogin(text: string): Told | undefined {
  const at = text.lastIndexOf(" from ");
  const head = text.slice(0, Math.max(at, 0));
  const password = DROPBEAR_PASSWORD.exec(head)?.[1];
  const user = password ?? DROPBEAR_PUBKEY.exec(head)?.[1];
  const [, address, port] = DROPBEAR_CLIENT.exec(text.slice(at + " from ".length)) ?? [];
  if (user === undefined || address === undefined) return undefined;
  return { user, address, port: Number(port), method: password === undefined ? "pubkey" : "password" };
}

/** Behind "ssh2: " stands which key it was. */
const SSHD = /^Accepted (\S+) for (.+) from (\S+) port (\d{1,5}) ssh2(?:: .*)?$/;

function sshdLogin(text: string): Told | undefined {
  const [, method = "", user, address, port] = SSHD.exec(text) ?? [];
  if (user === undefined || address === undefined) return undefined;
  return { user, address, port: Number(port), method: method === "publickey" ? "pubkey" : method };
}
