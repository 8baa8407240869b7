/**
 * The old usage file of one user: nine keys, all sizes in bytes (facts:
 * legacy-scripts 1.5). The scripts never got as far as writing a limit into it,
 * but others did, so one above 0 stands where no other file has one.
 *
 * Pure: no clock, no I/O.
 */
import { reasonOf } from "../../errors.ts";
import type { UserName } from "../../names.ts";
import type { Bytes } from "../../units.ts";
import { amountIn, nameIn, type Parsed, type Place, shown, withoutMark } from "./legacy-text.ts";

export interface UsageDocument {
  readonly name: UserName;
  readonly used: Bytes;
  /** 0 is none. */
  readonly total: Bytes;
  readonly place: Place;
}

/** Just these, in this order: a file of ours has more, and a damaged one of ours must not pass for theirs. */
const KEYS = [
  ...["username", "daily_usage", "total_usage", "daily_limit", "total_limit"],
  ...["last_reset", "last_update", "baseline_usage", "last_stats"],
];

/** Whether the scripts wrote it; a torn file is nobody's. */
export function isUsageJson(text: string): boolean {
  try {
    return Object.keys(Object(JSON.parse(withoutMark(text)))).join() === KEYS.join();
  } catch {
    return false;
  }
}

/** @param text of a file for which `isUsageJson` holds, or that was set aside as one. */
export function parseUsageJson(file: string, text: string): Parsed<UsageDocument> {
  const place = { file, line: 0, text: "" };
  try {
    if (!isUsageJson(text)) throw new SyntaxError(`expected JSON with the keys ${KEYS.join(", ")}`);
    const fields = JSON.parse(withoutMark(text)) as Readonly<Record<string, unknown>>;
    const { username } = fields;
    if (typeof username !== "string") {
      throw new TypeError(`expected a text as username, got ${shown(String(username))}`);
    }
    const row = {
      name: nameIn(username),
      used: bytesIn(fields, "total_usage"),
      total: bytesIn(fields, "total_limit"),
      place: { ...place, text: username },
    };
    const daily = bytesIn(fields, "daily_limit");
    if (daily === 0) return { rows: [row], refusals: [] };
    const why = `daily_limit ${daily} is not taken: nothing enforced it; sluice limit set NAME SIZE --daily SIZE does`;
    return { rows: [row], refusals: [{ ...row.place, why }] };
  } catch (error) {
    return { rows: [], refusals: [{ ...place, why: reasonOf(error) }] };
  }
}

/** The scripts wrote numbers; whoever edited them by hand may have put quotes around. */
function bytesIn(fields: Readonly<Record<string, unknown>>, key: string): Bytes {
  try {
    return amountIn(String(fields[key]), 1, "bytes");
  } catch (error) {
    throw new SyntaxError(`${key}: ${reasonOf(error)}`, { cause: error });
  }
}
