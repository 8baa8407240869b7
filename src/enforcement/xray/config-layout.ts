/**
 * New parts for a config's text in the layout it has, and parts taken out again.
 *
 * What stands in one line stays in one line; where every entry has a line of
 * its own, so has the new one, indented like its neighbour. A comment behind an
 * entry stays behind it, and one above an entry stays above it. Nothing but
 * what is new is written: the edits leave every other byte as it is.
 *
 * Pure: no clock, no I/O.
 */
import { blankComments } from "../../jsonc.ts";
import type { Edit, JsonList, JsonObject, Span } from "./config-text.ts";

/** A value of parsed JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Puts members behind the last one. The names must be new. */
export function appendMembers(
  text: string,
  object: JsonObject,
  members: readonly (readonly [string, Json])[],
): Edit[] {
  return append(
    text,
    object,
    object.members,
    members.map(
      ([key, value]) =>
        (margin) =>
          `${JSON.stringify(key)}: ${print(value, margin)}`,
    ),
  );
}

/** Puts items before the one at place `at`, or behind the last one if there is none. */
export function insertItems(text: string, list: JsonList, at: number, values: readonly Json[]): Edit[] {
  const printers = values.map((value) => (margin: Margin) => print(value, margin));
  const next = list.items[at];
  if (!next) return append(text, list, list.items, printers);
  const before = list.items[at - 1];
  const margin = {
    ...marginsOf(text),
    indent: isOnOwnLine(text, next.start) ? indentAt(text, next.start) : indentWithin(text, list),
  };
  const entries = printers.map((one) => one(margin));
  const line = margin.eol + margin.indent;
  const lineEnd = endOfLineFrom(text, before ? commaAfter(text, before) + 1 : list.start + 1);
  if (lineEnd !== undefined) return [insertion(lineEnd, entries.map((one) => `${line}${one},`).join(""))];
  const gap = isOnOwnLine(text, next.start) ? line : " ";
  return [insertion(next.start, entries.map((one) => `${one},${gap}`).join(""))];
}

/** Takes out entries (items or members) with the commas and line breaks that came with them. */
export function removeEntries(text: string, entries: readonly Span[], out: ReadonlySet<number>): Edit[] {
  const edits: Edit[] = [];
  const lastKept = entries.findLastIndex((_, place) => !out.has(place));
  let first = true; // nothing before stays
  for (const [place, entry] of entries.entries()) {
    const comma = place < entries.length - 1 ? commaAfter(text, entry) : undefined;
    if (!out.has(place)) {
      first = false;
      if (comma !== undefined && place === lastKept) edits.push({ start: comma, end: comma + 1, text: "" });
      continue;
    }
    const joined = comma !== undefined && /^[ \t\r\n]*$/.test(text.slice(entry.end, comma));
    const end = joined ? comma + 1 : entry.end;
    edits.push({ ...withSpace(text, { start: entry.start, end }, first), text: "" });
    if (comma !== undefined && !joined) edits.push({ start: comma, end: comma + 1, text: "" });
  }
  return edits;
}

/**
 * The span with the space that goes with it: its line break, unless something
 * follows on its line, which would then be drawn to the line above, perhaps
 * into a comment there.
 */
function withSpace(text: string, { start, end }: Span, first: boolean): Span {
  const from = startOfSpace(text, start);
  const after = /^[ \t]*/.exec(text.slice(end))?.[0].length ?? 0;
  const breaks = text.slice(from, start).includes("\n");
  const endsLine = /^[ \t]*(?:\r?\n|$)/.test(text.slice(end, end + after + 2));
  if (breaks ? endsLine : !first) return { start: from, end };
  return { start, end: end + after };
}

interface Margin {
  /** What an entry's line begins with. */
  readonly indent: string;
  /** One step of indentation. */
  readonly step: string;
  readonly eol: string;
  /** False in a file without line breaks. */
  readonly broken: boolean;
}

type Printer = (margin: Margin) => string;

function append(
  text: string,
  container: Span,
  entries: readonly Span[],
  printers: readonly Printer[],
): Edit[] {
  const last = entries.at(-1);
  const from = last?.end ?? container.start + 1;
  const at = Math.max(from, startOfSpace(text, container.end - 1));
  const commented = at > from;
  const space = text.slice(at, container.end - 1);
  const ownLine = last !== undefined && isOnOwnLine(text, last.start);
  const margins = marginsOf(text);
  const breaks = last
    ? ownLine || (commented && text.slice(from, container.end).includes("\n"))
    : margins.broken;
  const margin = {
    ...margins,
    indent: ownLine
      ? indentAt(text, last.start)
      : breaks
        ? indentWithin(text, container)
        : indentAt(text, container.start),
  };
  const glue = breaks ? margin.eol + margin.indent : separator(text, entries);
  const lead = last || breaks ? glue : "";
  const tail = last || !breaks || space.includes("\n") ? "" : margin.eol + indentAt(text, container.start);
  return [
    ...(last ? [insertion(last.end, ",")] : []),
    insertion(at, lead + printers.map((one) => one(margin)).join(`,${glue}`) + tail),
  ];
}

/** In one line, but for lists of objects, which have a line each. */
function print(value: Json, margin: Margin): string {
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    const inner = { ...margin, indent: margin.indent + margin.step };
    if (margin.broken && items.some((item) => typeof item === "object")) {
      const lines = items.map((item) => `${margin.eol}${inner.indent}${print(item, inner)}`);
      return `[${lines.join(",")}${margin.eol}${margin.indent}]`;
    }
    return `[${items.map((item) => print(item, margin)).join(", ")}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value as Record<string, Json>);
  return `{${members.map(([key, held]) => `${JSON.stringify(key)}: ${print(held, margin)}`).join(", ")}}`;
}

function marginsOf(text: string): Omit<Margin, "indent"> {
  const eol = /\r?\n/.exec(text)?.[0];
  const step = /\{[ \t]*\r?\n(?:[ \t]*\r?\n)*([ \t]+)"/.exec(blankComments(text))?.[1] ?? "  ";
  return { eol: eol ?? "\n", step, broken: eol !== undefined };
}

/** Between entries in one line: a space, unless the file leaves it out there. */
function separator(text: string, entries: readonly Span[]): string {
  const [first, second] = entries;
  if (!first || !second) return " ";
  return commaAfter(text, first) + 1 === second.start ? "" : " ";
}

/** The comma between an entry and the next one, which must be there. */
function commaAfter(text: string, { end }: Span): number {
  let at = end;
  while (text[at] !== ",") {
    const comment = COMMENT.exec(text.slice(at));
    at += comment ? comment[0].length : 1;
  }
  return at;
}

/** The end of the line from here on, if nothing but space and comments that end there stands on it. */
function endOfLineFrom(text: string, at: number): number | undefined {
  REST_OF_LINE.lastIndex = at;
  const rest = REST_OF_LINE.exec(text)?.[0];
  return rest === undefined ? undefined : at + rest.length;
}

function isOnOwnLine(text: string, at: number): boolean {
  const start = lineStart(text, at);
  return start > 0 && /^[ \t]*$/.test(text.slice(start, at));
}

function indentAt(text: string, at: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, at), at))?.[0] ?? "";
}

/** For entries of a container that has none on a line of its own. */
function indentWithin(text: string, container: Span): string {
  return indentAt(text, container.start) + marginsOf(text).step;
}

function lineStart(text: string, at: number): number {
  return at === 0 ? 0 : text.lastIndexOf("\n", at - 1) + 1;
}

/** Where the space that ends at `at` begins. */
function startOfSpace(text: string, at: number): number {
  let end = at;
  while (/[ \t\r\n]/.test(text[end - 1] ?? "")) end--;
  return end;
}

function insertion(at: number, text: string): Edit {
  return { start: at, end: at, text };
}

const COMMENT = /^(?:(?:\/\/|#)[^\n]*|\/\*[^]*?\*\/)/;
const REST_OF_LINE = /[ \t]*(?:\/\*(?:(?!\*\/)[^\r\n])*\*\/[ \t]*)*(?:(?:\/\/|#)[^\r\n]*)?(?=\r?\n)/y;
