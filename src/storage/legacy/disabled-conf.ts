/**
 * `bw-disabled.conf`: `username account_type YYYY-MM-DD`. The scripts wrote it
 * and never read it: a disabled Xray user went on (facts: legacy-scripts 1.4).
 *
 * Pure: no clock, no I/O.
 */
import type { UserName } from "../../names.ts";
import { nameIn, type Parsed, type Place, parseRows, requireWords } from "./legacy-text.ts";
import { type LegacyType, typeIn } from "./limit-conf.ts";

export interface DisabledRow {
  readonly name: UserName;
  readonly type: LegacyType;
  readonly place: Place;
}

export function parseDisabled(file: string, text: string): Parsed<DisabledRow> {
  return parseRows(file, text, (words, place) => {
    requireWords(words, "username account_type YYYY-MM-DD");
    const [name = "", type = ""] = words;
    return { name: nameIn(name), type: typeIn(type), place };
  });
}
