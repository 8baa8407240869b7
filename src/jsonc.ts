/**
 * JSON as operators and engines write it: with comments and a comma too many.
 *
 * Comments begin with `//` or `#` and end with the line, or stand between
 * `/*` and its counterpart. They are blanked, not cut out: every character
 * keeps its place, so a line, a column or an offset found in the blanked text
 * is one of the original. Quotes are double, as in JSON; single ones mean nothing.
 *
 * Pure: no clock, no I/O.
 */
import { findFault } from "./json-fault.ts";

/**
 * @throws {SyntaxError} when the text is not JSON beneath its comments: line and
 * column (both from 1, in UTF-16 units), what was expected there and what stood.
 */
export function parseJsonc(text: string): unknown {
  const json = blankTrailingCommas(blankComments(text));
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    const { at, expected } = findFault(json);
    throw new SyntaxError(
      `Cannot read the JSON at ${placeOf(json, at)}: expected ${expected}, got ${wordAt(json, at)}`,
      { cause },
    );
  }
}

/**
 * The same text with a space for every character of a comment. Lengths and line
 * ends stay. A block comment that never ends reaches to the end of the text, as
 * Xray takes it (infra/conf/json/reader.go).
 */
export function blankComments(text: string): string {
  return text.replace(STRING_OR_COMMENT, (part) =>
    part.startsWith('"') ? part : part.replace(/[^\r\n]/g, " "),
  );
}

/** A comma behind the last item becomes a space; one behind no item at all stays, and is refused. */
function blankTrailingCommas(json: string): string {
  return json.replace(STRING_OR_COMMA, (part) => (part === "," ? " " : part));
}

function placeOf(json: string, at: number): string {
  const lineStart = at === 0 ? 0 : json.lastIndexOf("\n", at - 1) + 1;
  return `${json.slice(0, lineStart).split("\n").length}:${at - lineStart + 1}`;
}

function wordAt(json: string, at: number): string {
  if (at >= json.length) return "the end";
  const [word = ""] = /^(?:[\w.+-]{1,20}|.)/su.exec(json.slice(at)) ?? [];
  return JSON.stringify(word);
}

/** A string that never ends takes the rest, so that nothing in it passes for a comment. */
const STRING_OR_COMMENT = /"[^"\\]*(?:\\[^][^"\\]*)*"?|(?:\/\/|#)[^\n]*|\/\*[^]*?(?:\*\/|$)/g;
/** A comma behind an opening bracket, a colon or another comma is matched with it, and so left alone. */
const STRING_OR_COMMA = /"[^"\\]*(?:\\[^][^"\\]*)*"?|[[{:,][ \t\r\n]*,|,(?=[ \t\r\n]*[}\]])/g;
