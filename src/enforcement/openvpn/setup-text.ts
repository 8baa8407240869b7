/**
 * How setting a server up changes the text of its config, so that it can be
 * taken back from the text alone: lines that must not count any more become
 * comments with a mark, and all that is new stands in one block at the end,
 * where OpenVPN takes it over what stands before.
 *
 * Pure: no clock, no I/O.
 */
import { RefusedRequestError } from "../../errors.ts";

const BEGIN = "# Sluice: begin (sluice openvpn setup --undo takes it out again)";
const END = "# Sluice: end";
/** Before a line of the operator's that does not count any more. */
const OFF = "#sluice# ";

/**
 * @param off lines that are not to count, from 0.
 * @param added lines that are to come.
 */
export function withSetup(text: string, off: ReadonlySet<number>, added: readonly string[]): string {
  if (off.size === 0 && added.length === 0) return text;
  const lines = text.split("\n").map((line, index) => (off.has(index) ? `${OFF}${line}` : line));
  const body = lines.join("\n");
  if (added.length === 0) return body;
  const end = text.includes("\r\n") ? "\r\n" : "\n";
  const block = [BEGIN, ...added, END].join(end);
  // A file without a line break at its end gets none: that is how the way back knows.
  return body === "" || body.endsWith("\n") ? `${body}${block}${end}` : `${body}${end}${block}`;
}

/**
 * The text as it was before `withSetup()`, with everything kept that others changed since.
 *
 * @throws {RefusedRequestError} when the block is there in part, or more than once.
 */
export function withoutSetup(text: string): string {
  const begins = text.split(BEGIN).length - 1;
  const ends = text.match(END_LINE)?.length ?? 0;
  if (begins > 1 || begins !== ends) {
    throw new RefusedRequestError(
      `Cannot find what setup added: expected one "${BEGIN}" and one "${END}" behind it, got ${begins} and ${ends}`,
    );
  }
  const bare = text.replace(BLOCK, (_, before: string, ending: string, after: string) => {
    if (after !== "") return before;
    // The line break in front is setup's own, and as long as the others of its block.
    return before.slice(0, Math.max(0, before.length - ending.length));
  });
  if (bare.includes(BEGIN)) {
    throw new RefusedRequestError(`Cannot find what setup added: expected "${END}" behind its beginning`);
  }
  return bare.replace(OFF_MARKS, "");
}

const END_LINE = /^# Sluice: end\r?$/gm;
const OFF_MARKS = /^#sluice# /gm;
const BLOCK = /(^|\r?\n)# Sluice: begin \([^\r\n]*(\r?\n)(?:[^\n]*\n)*?# Sluice: end(\r?\n|$)/;
