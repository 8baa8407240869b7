/**
 * Changes one setting in the text of a settings file, which is the operator's:
 * comments, order and layout stay.
 *
 * Pure: no clock, no I/O.
 */
import { blankComments, parseJsonc } from "./jsonc.ts";

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
  const settings = parseJsonc(text);
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    throw new SyntaxError(`Cannot set "${key}": expected the settings to be an object`);
  }
  const json = blankComments(text);
  const literal = JSON.stringify(value);
  const there = valueOf(json, key);
  if (there) return text.slice(0, there.start) + literal + text.slice(there.end);
  if (key in settings) throw new SyntaxError(`Cannot set "${key}": expected a single value in its place`);

  const open = json.indexOf("{") + 1;
  const member = `${JSON.stringify(key)}: ${literal}${/^\s*\}/.test(json.slice(open)) ? "" : ","}`;
  // Below the brace's line, and a comment in it, if the file has a line for each setting.
  const [blank] = /^[^\S\n]*(?=\n)/.exec(json.slice(open)) ?? [];
  const at = open + (blank?.length ?? 0);
  if (blank === undefined || text.slice(open, at).includes("/*")) {
    return `${text.slice(0, open)} ${member} ${text.slice(open).trimStart()}`;
  }
  const indent = /^\n([^\S\n]+)\S/.exec(text.slice(at))?.[1] ?? "  ";
  return `${text.slice(0, at)}\n${indent}${member}${text.slice(at)}`;
}

/** Where the value of a top-level member stands, if it is a single one. */
function valueOf(json: string, key: string): { readonly start: number; readonly end: number } | undefined {
  const tokens = [...json.matchAll(TOKEN)];
  let found: { readonly start: number; readonly end: number } | undefined;
  let depth = 0;
  for (const [index, { 0: token }] of tokens.entries()) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (depth === 1 && tokens[index + 1]?.[0] === ":" && JSON.parse(token) === key) {
      const value = tokens[index + 2];
      found = value && !/^[{[]/.test(value[0]) ? spanOf(value) : undefined;
    }
  }
  return found;
}

function spanOf({ 0: token, index }: RegExpExecArray): { readonly start: number; readonly end: number } {
  return { start: index, end: index + token.length };
}

/** Of JSON that parses: strings, punctuation, numbers and words. */
const TOKEN = /"[^"\\]*(?:\\[^][^"\\]*)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g;
