/**
 * A login as the system's journal tells of it: one object of `journalctl -o json`.
 *
 * Fields with an underscore in front are the journal's own (systemd.journal-fields(7)):
 * which process wrote, running which program. The rest is the writer's word, and
 * anybody may write "Password auth succeeded" under the name of dropbear.
 *
 * Pure: no I/O, no state between calls.
 */
import { basename } from "node:path";
import { type LoginDaemon, type LoginLine, parseLoginText } from "./login-line.ts";

const DAEMONS: ReadonlyMap<string, LoginDaemon> = new Map([
  ["dropbear", "dropbear"],
  ["dropbearmulti", "dropbear"],
  ["sshd", "sshd"],
  ["sshd-session", "sshd"],
]);

/** @returns undefined for any line that is not the word of an SSH daemon on a login. */
export function parseJournalEntry(line: string): LoginLine | undefined {
  const { MESSAGE: message, _EXE: program, _PID: pid } = fieldsOf(line);
  if (typeof program !== "string" || typeof pid !== "string" || !/^\d{1,10}$/.test(pid)) return undefined;
  const daemon = DAEMONS.get(basename(program.replace(/ \(deleted\)$/, "")));
  const text = textOf(message);
  if (!daemon || text === undefined) return undefined;
  const login = parseLoginText(daemon, Number(pid), text);
  return login?.pid === Number(pid) ? login : undefined;
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // cut off when journalctl was ended
  }
}

/** A field that is no UTF-8 comes as an array of its bytes. */
function textOf(message: unknown): string | undefined {
  if (typeof message === "string") return message;
  return Array.isArray(message) ? Buffer.from(message as number[]).toString("utf8") : undefined;
}
