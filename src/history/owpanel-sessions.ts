/**
 * The sessions of the old panel, as its two JSON stores have them (facts: openvpn 10).
 *
 *   session_history.json   a list; each session twice, once begun and once ended, with one session_id
 *   active_sessions.json   by common name: those that last, with bytes as they were last seen
 *
 * Its rx is what the client sent, in MiB with two decimals; times are local, without
 * a zone. What it writes it reads again; what people made of the files is met with a
 * reason for every entry that is not taken.
 *
 * Pure: no clock, no I/O.
 */
import { durationText } from "../duration-text.ts";
import { splitEndpoint } from "../endpoint-text.ts";
import { reasonOf } from "../errors.ts";
import { userName } from "../names.ts";
import type { LoginRecord } from "./records.ts";

/** What was not taken, and why. */
export interface NotTaken {
  readonly file: string;
  /** From 1, in the order of the file; 0 stands for the whole of it. */
  readonly line: number;
  /** What stood there. */
  readonly text: string;
  readonly why: string;
}

export interface OldSessions {
  readonly logins: readonly LoginRecord[];
  readonly refusals: readonly NotTaken[];
}

/** What must be known beside the files. */
export interface OldPanel {
  /** Of a local time, "2026-11-21 14:03:07"; undefined for a text that is none. */
  readonly momentOf: (text: string) => number | undefined;
  /** Whose sessions they are: "openvpn:server". */
  readonly keeper: string;
}

export interface StoredFile {
  readonly path: string;
  readonly text: string;
  /** When it was written, ms since 1970: those that lasted were seen then last. */
  readonly writtenAt: number;
}

type Fields = Readonly<Record<string, unknown>>;
type Found = Omit<LoginRecord, "ended"> & { readonly ended: number | undefined; readonly place: NotTaken };

const MIB = 1024 * 1024;
/** In front of a session_id, to make it a login's id. */
const ID = "owpanel:";
/** What OpenVPN calls a client before it has shown who it is. */
const NOBODY = "UNDEF";
const NO_END = "it has no end, and is not among the active sessions";

export function parseOldSessions(
  history: StoredFile | undefined,
  active: StoredFile | undefined,
  panel: OldPanel,
): OldSessions {
  const refusals: NotTaken[] = [];
  const ended = history ? entriesOf(history, listOf, refusals, (fields) => endedIn(fields, panel)) : [];
  const lasting = active
    ? entriesOf(active, namedOf, refusals, (fields) => lastingIn(fields, panel, active.writtenAt))
    : [];
  const logins = new Map<string, Found>();
  for (const found of ended) {
    const before = logins.get(found.id);
    // Of two entries of one session the one that tells its end counts.
    if (before?.ended === undefined || (found.ended ?? 0) > before.ended) logins.set(found.id, found);
  }
  // One that has ended may still be among the active ones, if the panel was stopped in between.
  for (const found of lasting) if (logins.get(found.id)?.ended === undefined) logins.set(found.id, found);
  const taken: LoginRecord[] = [];
  for (const { place, ...login } of logins.values()) {
    if (login.ended === undefined) refusals.push({ ...place, why: NO_END });
    else taken.push(login);
  }
  return { logins: taken, refusals };
}

/** @param textOf ms since 1970 as local time. @param uuidOf one for each login, ever the same. */
export function oldHistory(
  logins: readonly LoginRecord[],
  textOf: (at: number) => string,
  uuidOf: (id: string) => string,
): Fields[] {
  const entries = logins.flatMap((login) => {
    const { ended } = login;
    const begun = {
      timestamp: textOf(login.began),
      name: login.account,
      ...placeOf(login),
      session_id: sessionId(login, uuidOf),
      ...{ vpn_ip: login.address4 || login.address6, vpn_ipv4: login.address4, vpn_ipv6: login.address6 },
    };
    const open = { ...begun, rx: null, tx: null, session_end: null, duration: null };
    if (ended === undefined) return [{ at: login.began, entry: open }];
    const closed = {
      ...begun,
      ...{ rx: mebibytes(login.up), tx: mebibytes(login.down) },
      ...{ session_end: textOf(ended), duration: durationText(ended - login.began) },
    };
    return [
      { at: login.began, entry: open },
      { at: ended, entry: closed },
    ];
  });
  return entries.sort((one, other) => one.at - other.at).map(({ entry }) => entry); // in the order they were written
}

/** The sessions that last, by name; of one who has several, the latest. */
export function oldActiveSessions(
  logins: readonly LoginRecord[],
  textOf: (at: number) => string,
  uuidOf: (id: string) => string,
): Fields {
  const lasting = logins.filter(({ ended }) => ended === undefined);
  const byName = lasting
    .toSorted((one, other) => one.began - other.began)
    .map((login): [string, Fields] => [
      login.account,
      {
        ...placeOf(login),
        vpn_ip: login.address4 || login.address6 || null,
        ...{ vpn_ipv4: login.address4 || null, vpn_ipv6: login.address6 || null },
        connected_at: textOf(login.began),
        ...{ bytes_received: login.up, bytes_sent: login.down },
        session_id: sessionId(login, uuidOf),
      },
    ]);
  return Object.fromEntries(byName);
}

/** Each entry of a file; one that makes `read` throw is refused with its reason. */
function entriesOf(
  { path, text }: StoredFile,
  partsOf: (value: unknown) => readonly Fields[],
  refusals: NotTaken[],
  read: (fields: Fields) => Omit<Found, "place">,
): Found[] {
  const whole = { file: path, line: 0, text: "" };
  let parts: readonly Fields[];
  try {
    parts = text.trim() === "" ? [] : partsOf(JSON.parse(text.replace(/^\uFEFF/, "")));
  } catch (error) {
    refusals.push({ ...whole, why: reasonOf(error) });
    return [];
  }
  return parts.flatMap((fields, index) => {
    const place = { file: path, line: index + 1, text: nameOf(fields), why: "" };
    try {
      return { ...read(fields), place };
    } catch (error) {
      refusals.push({ ...place, why: reasonOf(error) });
      return [];
    }
  });
}

function listOf(value: unknown): readonly Fields[] {
  if (!Array.isArray(value)) throw new TypeError("expected a list of sessions");
  return value.map(fieldsOf);
}

function namedOf(value: unknown): readonly Fields[] {
  return Object.entries(fieldsOf(value)).map(([name, session]) => ({ name, ...fieldsOf(session) }));
}

/** Anything but an object has no fields, and is refused for what it lacks. */
function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function endedIn(fields: Fields, panel: OldPanel): Omit<Found, "place"> {
  const login = loginIn(fields, panel, fields["timestamp"] ?? fields["connected_at"]);
  const end = textIn(fields["session_end"]);
  if (end === "") return login;
  const ended = momentIn(end, "session_end", panel);
  if (ended < login.began)
    throw new RangeError(`expected an end after ${textIn(fields["timestamp"])}, got ${end}`);
  const [up, down] = [bytesIn(fields["rx"], "rx", MIB), bytesIn(fields["tx"], "tx", MIB)];
  return { ...login, ended, up, down };
}

function lastingIn(fields: Fields, panel: OldPanel, seen: number): Omit<Found, "place"> {
  const login = loginIn(fields, panel, fields["connected_at"]);
  const [up, down] = [
    bytesIn(fields["bytes_received"], "bytes_received", 1),
    bytesIn(fields["bytes_sent"], "bytes_sent", 1),
  ];
  return { ...login, ended: Math.max(login.began, seen), up, down };
}

function loginIn(fields: Fields, panel: OldPanel, beganAt: unknown): Omit<Found, "place"> {
  const account = userName(nameOf(fields));
  if (account === NOBODY)
    throw new RangeError(`${NOBODY} is nobody's name: the client had not signed in yet`);
  const began = momentIn(textIn(beganAt), "the time it began", panel);
  const ip = textIn(fields["ip"] ?? fields["real_ip"]);
  const port = textIn(fields["port"]);
  const only = textIn(fields["vpn_ip"]);
  const address6 = textIn(fields["vpn_ipv6"]) || (only.includes(":") ? only : "");
  const address4 = textIn(fields["vpn_ipv4"]) || (only.includes(":") ? "" : only);
  return {
    id: `${ID}${textIn(fields["session_id"]) || `${account}@${began}`}`,
    ...{ account, service: "openvpn", keeper: panel.keeper, began, ended: undefined },
    realAddress: port === "" ? ip : `${ip.includes(":") ? `[${ip}]` : ip}:${port}`,
    ...{ address4, address6, up: 0, down: 0, exact: false },
  };
}

function nameOf(fields: Fields): string {
  return textIn(fields["name"] ?? fields["common_name"]);
}

/** At most as long as a name or an address may be: more is none. */
function textIn(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value).slice(0, 300) : "";
}

/** @throws {SyntaxError} */
function momentIn(text: string, what: string, { momentOf }: OldPanel): number {
  const moment = momentOf(text.replace("T", " "));
  if (moment === undefined) throw new SyntaxError(`expected ${what} as YYYY-MM-DD HH:MM:SS, got "${text}"`);
  return moment;
}

/** @throws {RangeError} unless it is a number of `unit` bytes, 0 or more. */
function bytesIn(value: unknown, what: string, unit: number): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  const whole = typeof number === "number" ? Math.round(number * unit) : Number.NaN;
  if (Number.isSafeInteger(whole) && whole >= 0) return whole;
  throw new RangeError(`${what}: expected a number, 0 or more, got ${JSON.stringify(value) ?? "nothing"}`);
}

function placeOf({ realAddress }: LoginRecord): { readonly ip: string; readonly port: string } {
  const { address, port } = splitEndpoint(realAddress);
  return { ip: address, port };
}

function sessionId({ id }: LoginRecord, uuidOf: (id: string) => string): string {
  return id.startsWith(ID) ? id.slice(ID.length) : uuidOf(id);
}

function mebibytes(bytes: number): number {
  return Math.round((bytes / MIB) * 100) / 100;
}
