/**
 * `bw-limit.conf`: `username limit_mb account_type`, a megabyte being 1024 * 1024
 * bytes and 0 no limit (facts: legacy-scripts 1.4).
 *
 * Pure: no clock, no I/O.
 */
import type { UserName } from "../../names.ts";
import type { Bytes } from "../../units.ts";
import { amountIn, nameIn, type Parsed, type Place, parseRows, requireWords, shown } from "./legacy-text.ts";

export const LEGACY_TYPES = ["ssh", "vmess", "vless", "trojan", "ssws"] as const;
export type LegacyType = (typeof LEGACY_TYPES)[number];

export interface LimitRow {
  readonly name: UserName;
  readonly type: LegacyType;
  /** 0 is no limit. */
  readonly total: Bytes;
  readonly place: Place;
}

const MEGABYTE = 1024 * 1024;

export function parseLimits(file: string, text: string): Parsed<LimitRow> {
  return parseRows(file, text, (words, place) => {
    requireWords(words, "username limit_mb account_type");
    const [name = "", limit = "", type = ""] = words;
    return {
      name: nameIn(name),
      total: amountIn(limit, MEGABYTE, "MB"),
      type: typeIn(type),
      place,
    };
  });
}

/** @throws {SyntaxError} for a word that is none of the types. */
export function typeIn(word: string): LegacyType {
  const type = LEGACY_TYPES.find((each) => each === word.toLowerCase());
  if (type !== undefined) return type;
  throw new SyntaxError(`expected a type of ${LEGACY_TYPES.join(", ")}, got ${shown(word)}`);
}
