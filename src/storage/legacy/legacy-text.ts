/**
 * What the old scripts' text files have in common: rows of words, one a line,
 * written by `echo` and edited by hand on any system.
 *
 * A byte order mark and carriage returns are passed over, comments and blank
 * lines too. A number is whole digits and nothing else: what the scripts' own
 * arithmetic made of anything else was a wrong number or a deleted user.
 *
 * Pure: no clock, no I/O.
 */
import { reasonOf } from "../../errors.ts";
import { fileNameOf, type UserName, userName } from "../../names.ts";
import { type Bytes, bytes } from "../../units.ts";

/** Where something stood. */
export interface Place {
  readonly file: string;
  /** From 1; 0 stands for the whole file. */
  readonly line: number;
  /** As it stood there. */
  readonly text: string;
}

/** What was not taken, and why. */
export interface Refusal extends Place {
  readonly why: string;
}

export interface Parsed<Row> {
  readonly rows: readonly Row[];
  readonly refusals: readonly Refusal[];
}

/**
 * @param rowOf makes a row of a line's words.
 * Whatever it throws is why the line is not taken.
 */
export function parseRows<Row>(
  file: string,
  text: string,
  rowOf: (words: readonly string[], place: Place) => Row,
): Parsed<Row> {
  const rows: Row[] = [];
  const refusals: Refusal[] = [];
  for (const [index, raw] of withoutMark(text).split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const place = { file, line: index + 1, text: line };
    try {
      rows.push(rowOf(line.split(/\s+/), place));
    } catch (error) {
      refusals.push({ ...place, why: reasonOf(error) });
    }
  }
  return { rows, refusals };
}

/** Editors on other systems put one in front. */
export function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** @throws {SyntaxError} unless there are just so many words as `form` names. */
export function requireWords(words: readonly string[], form: string): void {
  const expected = form.split(" ").length;
  if (words.length === expected) return;
  throw new SyntaxError(
    `expected ${expected} fields (${form}), got ${words.length === 1 ? "one" : words.length}`,
  );
}

/** @throws {RangeError} for what can be no user's name, or no account file's. */
export function nameIn(word: string): UserName {
  const name = userName(word);
  fileNameOf(name);
  return name;
}

/**
 * @param unit bytes in one of what is counted.
 * @throws {SyntaxError | RangeError} unless it is a whole number in digits, of 2^53 - 1 bytes at most.
 */
export function amountIn(word: string, unit: number, unitName: string): Bytes {
  if (/^\d+$/.test(word)) {
    const amount = Number(word) * unit;
    if (Number.isSafeInteger(amount)) return bytes(amount);
    throw new RangeError(`expected at most 2^53 - 1 bytes, got ${shown(word)} ${unitName}`);
  }
  const rounded = /^\d+(?:\.\d+)?e\+?\d+$/i.test(word) ? ", which awk rounded: the exact figure is lost" : "";
  throw new SyntaxError(`expected a whole number of ${unitName}, got ${shown(word)}${rounded}`);
}

export function shown(word: string): string {
  return JSON.stringify(word.length > 40 ? `${word.slice(0, 39)}…` : word);
}
