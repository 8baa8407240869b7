/**
 * Reads back what nginx wrote by a log_format.
 *
 * A variable reaches up to the first place where the text behind it stands in
 * the line. Nothing that a client sends can hold a quotation mark there: nginx
 * writes it as \x22, and with escape=json as \", so a backslash always goes
 * together with the character behind it. What has no quotation marks around it
 * in the format may be cut short; with escape=none all of it is the client's.
 *
 *   \xHH                       a byte; nginx's default for what is not printable ASCII, `"` and `\`
 *   \" \\ \n \r \t \b \f \uHHHH    escape=json
 *
 * Pure: no clock, no I/O.
 */
import type { LogFormat } from "../../log-format.ts";

/** Every variable of the format by its name without "$", one character per byte; "" where it had no value. */
export type NginxValues = ReadonlyMap<string, string>;

/** @returns undefined for a line that is not of the format. */
export type NginxParser = (line: string) => NginxValues | undefined;

const ESCAPE = /\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))/gs;
const LETTERS: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f" };

/** @returns what reads its lines: in time in proportion to their length. */
export function nginxFormatParser({ head, fields }: LogFormat): NginxParser {
  return (line) => (line.startsWith(head) ? valuesOf(line, head.length, fields) : undefined);
}

function valuesOf(line: string, start: number, fields: LogFormat["fields"]): NginxValues | undefined {
  const values = new Map<string, string>();
  let from = start;
  for (const { name, text } of fields) {
    const to = text === "" ? line.length : placeOf(text, line, from);
    if (to === undefined) return undefined;
    values.set(name, nginxValue(line.slice(from, to)));
    from = to + text.length;
  }
  return from === line.length ? values : undefined;
}

/** Where `text` first stands from `from` on, with no backslash in front that takes its first character along. */
function placeOf(text: string, line: string, from: number): number | undefined {
  const found = line.indexOf(text, from);
  if (found < 0) return undefined;
  const backslash = line.indexOf("\\", from);
  if (backslash < 0 || backslash >= found) return found;
  for (let at = backslash; at + text.length <= line.length; at += line[at] === "\\" ? 2 : 1) {
    if (line.startsWith(text, at)) return at;
  }
  return undefined;
}

/** What a client sent, from what nginx wrote of it; "" for "-", no value. */
export function nginxValue(written: string): string {
  if (written === "-") return "";
  if (!written.includes("\\")) return written;
  return written.replace(
    ESCAPE,
    (_, byte: string | undefined, unit: string | undefined, letter: string | undefined) => {
      const code = byte ?? unit;
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      return LETTERS[letter ?? ""] ?? letter ?? "";
    },
  );
}
