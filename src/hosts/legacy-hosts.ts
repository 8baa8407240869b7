/**
 * Old lists of hosts: `captured-hosts.txt` with three fields, `hosts.log` with
 * four, and three in the latter where somebody added a host by hand (facts:
 * legacy-scripts 4.1).
 *
 * No clock, no I/O, no state between calls.
 */
import type { UnixTime } from "../units.ts";
import { type HostLine, hostLineText, parseHostLine } from "./host-line.ts";
import { parseHostname } from "./hostname.ts";
import type { LocalTimes } from "./local-times.ts";

export interface HostRefusal {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
  readonly why: string;
}

export interface LegacyHosts {
  /** Each host once, as hosts.log has it. */
  readonly lines: readonly string[];
  readonly refusals: readonly HostRefusal[];
}

/**
 * @param skip so many bytes at the beginning were imported before: they count as lines, and are left.
 * @param oldest hosts captured earlier are not kept (hosts.retention_days).
 */
export function parseLegacyHosts(
  file: string,
  content: Buffer,
  skip: number,
  times: LocalTimes,
  oldest: UnixTime,
): LegacyHosts {
  const lines = new Map<string, HostLine>();
  const refusals: HostRefusal[] = [];
  const before = content.toString("latin1", 0, skip).split("\n").length - 1;
  for (const [index, raw] of content.toString("latin1", skip).split("\n").entries()) {
    const text = raw.replace(/^\u00EF\u00BB\u00BF/, "").trim(); // a byte order mark, in this encoding
    if (text === "" || text.startsWith("#")) continue;
    const refuse = (why: string) => refusals.push({ file, line: before + index + 1, text, why });
    const line = parseHostLine(text);
    const at = line && times.momentOf(line.time);
    if (!line) refuse(whyNot(text));
    else if (at === undefined) refuse(`expected a time as YYYY-MM-DD HH:MM:SS, got "${line.time}"`);
    else if (at < oldest) refuse("it was captured longer ago than hosts are kept (hosts.retention_days)");
    else if (lines.has(line.host)) refuse("the host stands in an earlier line, which counts");
    else lines.set(line.host, line);
  }
  return { lines: [...lines.values()].map(hostLineText), refusals };
}

function whyNot(text: string): string {
  const host = parseHostname(text.split("|")[0] ?? "");
  return typeof host === "string"
    ? "expected host|service|source|YYYY-MM-DD HH:MM:SS, or the same without the source"
    : `expected a public name or address in front (${host.refused})`;
}
