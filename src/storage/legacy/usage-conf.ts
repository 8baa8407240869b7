/**
 * `bw-usage.conf` and `bw-last-stats.conf`: `username bytes`. The first holds
 * what Xray counted for a user before its last restart, the second its counter
 * now; what he used is their sum (facts: legacy-scripts 1.4).
 *
 * Pure: no clock, no I/O.
 */
import type { UserName } from "../../names.ts";
import type { Bytes } from "../../units.ts";
import { amountIn, nameIn, type Parsed, type Place, parseRows, requireWords } from "./legacy-text.ts";

export interface UsageRow {
  readonly name: UserName;
  readonly used: Bytes;
  readonly place: Place;
}

export function parseUsage(file: string, text: string): Parsed<UsageRow> {
  return parseRows(file, text, (words, place) => {
    requireWords(words, "username bytes");
    const [name = "", used = ""] = words;
    return { name: nameIn(name), used: amountIn(used, 1, "bytes"), place };
  });
}
