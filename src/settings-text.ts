/**
 * Changes single settings in the text of a settings file, which is the
 * operator's: comments, order and layout stay.
 *
 * Pure: no clock, no I/O.
 */
import { blankComments, parseJsonc } from "./jsonc.ts";

/** A setting as it is to be: "history.minutes_days" is a path of two keys. */
export interface TextChange {
  readonly path: readonly string[];
  /** JSON; undefined takes the setting out. */
  readonly literal: string | undefined;
}

/**
 * The text with a top-level setting of that value: exchanged where there is one
 * (the last, if there are several, is the one that counts), else put in front.
 *
 * @throws {SyntaxError} when the text is not an object of JSON with comments, or
 * has an object or a list in its place.
 */
export function withSetting(
  text: string,
  key: string,
  value: string | readonly Readonly<Record<string, string | boolean>>[],
): string {
  const found = membersOf(text, [])?.findLast((member) => member.key === key);
  if (found && /^[{[]/.test(text.slice(found.start))) {
    throw new SyntaxError(`Cannot set "${key}": expected a single value in its place`);
  }
  return withChange(text, { path: [key], literal: JSON.stringify(value) });
}

/**
 * The text with one setting changed, whatever its value was; objects on the way
 * to it are made where there are none. A comment inside of the old value goes with it.
 *
 * @throws {SyntaxError} when the text, or what stands on the way, is no object.
 */
export function withChange(text: string, { path, literal }: TextChange): string {
  const key = path.at(-1) ?? "";
  const above = path.slice(0, -1);
  const members = membersOf(text, above);
  if (literal === undefined) {
    const removed = members?.findLast((member) => member.key === key);
    return removed ? withChange(cutOut(text, removed), { path, literal }) : text;
  }
  if (!members) return withChange(text, { path: above, literal: `{ ${JSON.stringify(key)}: ${literal} }` });
  const there = members.findLast((member) => member.key === key);
  if (there) return text.slice(0, there.start) + literal + text.slice(there.end);
  return putInFront(text, openingOf(text, above), `${JSON.stringify(key)}: ${literal}`);
}

/** @param open right behind the object's brace. */
function putInFront(text: string, open: number, setting: string): string {
  const rest = blankComments(text).slice(open);
  const member = `${setting}${/^\s*\}/.test(rest) ? "" : ","}`;
  // Below the brace's line, and a comment in it, if the file has a line for each setting.
  const [blank] = /^[^\S\n]*(?=\n)/.exec(rest) ?? [];
  const at = open + (blank?.length ?? 0);
  if (blank === undefined || text.slice(open, at).includes("/*")) {
    return `${text.slice(0, open)} ${member} ${text.slice(open).trimStart()}`;
  }
  const indent = /^\n([^\S\n]+)\S/.exec(text.slice(at))?.[1] ?? "  ";
  return `${text.slice(0, at)}\n${indent}${member}${text.slice(at)}`;
}

/** With the comma behind it; one in front of it may stay behind, and is one too many. Its line goes if nothing else is on it. */
function cutOut(text: string, { at, end }: Member): string {
  const [tail = ""] = /^\s*,/.exec(blankComments(text).slice(end)) ?? [];
  const comma = tail === "" ? "" : text.slice(end, end + tail.length);
  const kept = comma.slice(0, -1).trim(); // a comment between value and comma
  const before = text.slice(0, at);
  const after = `${kept}${text.slice(end + comma.length)}`;
  const [indent] = /\n[^\S\n]*$/.exec(before) ?? [];
  const [blank] = /^[^\S\n]*(?=\n)/.exec(after) ?? [];
  return indent !== undefined && blank !== undefined
    ? before.slice(0, -indent.length) + after.slice(blank.length)
    : before + after;
}

/** A member of an object: where its key, its value begin, and where that ends. */
interface Member {
  readonly key: string;
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

/** The members of the object at the path; undefined where there is nothing. @throws {SyntaxError} */
function membersOf(text: string, path: readonly string[]): readonly Member[] | undefined {
  const open = openingIn(text, path);
  return open === undefined ? undefined : membersFrom(blankComments(text), open);
}

function openingOf(text: string, path: readonly string[]): number {
  const open = openingIn(text, path);
  if (open === undefined) throw new RangeError(`Cannot find "${path.join(".")}"`);
  return open;
}

/** Right behind the brace that opens the object at the path. */
function openingIn(text: string, path: readonly string[]): number | undefined {
  const settings = parseJsonc(text);
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    throw new SyntaxError("Cannot change the settings: expected them to be an object");
  }
  const json = blankComments(text);
  let open = json.indexOf("{") + 1;
  for (const [depth, key] of path.entries()) {
    const member = membersFrom(json, open).findLast((each) => each.key === key);
    if (!member) return undefined;
    if (json[member.start] !== "{") {
      throw new SyntaxError(
        `Cannot change "${path.slice(0, depth + 1).join(".")}": expected an object, got ${json.slice(member.start, member.end).slice(0, 40)}`,
      );
    }
    open = member.start + 1;
  }
  return open;
}

/** Of the object that is open behind that place, in JSON that parses. */
function membersFrom(json: string, open: number): readonly Member[] {
  const members: Member[] = [];
  let depth = 0;
  let key: { readonly name: string; readonly at: number } | undefined;
  let start: number | undefined;
  for (const { 0: token, index: place } of json.slice(open).matchAll(TOKEN)) {
    const index = open + place;
    if (depth === 0 && token === "}") break;
    if (depth === 0 && token === ",") continue;
    if (depth === 0 && token === ":") continue;
    if (depth === 0 && !key) {
      key = { name: JSON.parse(token) as string, at: index };
      continue;
    }
    start ??= index;
    if (/[{[]/.test(token) && token.length === 1) depth += 1;
    if (/[}\]]/.test(token) && token.length === 1) depth -= 1;
    if (depth > 0 || !key) continue;
    members.push({ key: key.name, at: key.at, start, end: index + token.length });
    key = undefined;
    start = undefined;
  }
  return members;
}

/** Of JSON that parses: strings, punctuation, numbers and words. */
const TOKEN = /"[^"\\]*(?:\\[^][^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;
