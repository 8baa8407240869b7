/**
 * The convention of most other scripts: `/etc/PROTO/USER` holds a user's quota
 * and `/etc/limit/PROTO/USER` what he used, each one number of bytes (facts:
 * legacy-scripts 8). They counted downloads.
 *
 * Pure: no clock, no I/O.
 */
import { reasonOf } from "../../errors.ts";
import type { UserName } from "../../names.ts";
import type { Bytes } from "../../units.ts";
import { amountIn, nameIn, type Parsed, type Place, withoutMark } from "./legacy-text.ts";
import type { LegacyType } from "./limit-conf.ts";

/** Their folders, and the type they stand for. */
export const QUOTA_FOLDERS: Readonly<Record<string, LegacyType>> = {
  vmess: "vmess",
  vless: "vless",
  trojan: "trojan",
  shadowsocks: "ssws",
  ssh: "ssh",
};

/** A longer file holds something else: nothing of it is read or shown. */
export const LONGEST_QUOTA_FILE = 64;

export interface QuotaRow {
  readonly name: UserName;
  readonly type: LegacyType;
  readonly size: Bytes;
  readonly place: Place;
}

/** @param name the file's, which is the user's. */
export function parseQuotaFile(file: string, name: string, type: LegacyType, text: string): Parsed<QuotaRow> {
  const word = withoutMark(text).trim();
  // It may hold anybody's secret: only what looks like a number is shown.
  const shows = /^[-+]?\d[\w.+-]*$/.test(word);
  const place = { file, line: 1, text: shows ? word : "" };
  try {
    if (!shows) throw new SyntaxError("expected a whole number of bytes, got something else");
    const size = amountIn(word, 1, "bytes");
    return { rows: [{ name: nameIn(name), type, size, place }], refusals: [] };
  } catch (error) {
    return { rows: [], refusals: [{ ...place, why: reasonOf(error) }] };
  }
}
