/**
 * The columns of the users' monitors: ours, and those of the old `realtime-bandwidth`.
 *
 * Pure: no clock, no I/O.
 */
import type { UserRow, UserState } from "../../control/rows.ts";
import { formatRate, formatSize, wholeMegabytes } from "../../sizes.ts";
import type { Bytes } from "../../units.ts";
import { STATUS_WORDS, typeOf } from "../legacy/old-words.ts";
import type { ScreenColumn } from "./fitted-columns.ts";
import type { Style } from "./frame.ts";

export type UserSort = "name" | "daily" | "total" | "remaining" | "rate" | "state";

/** A key for each order. */
export const USER_SORTS: Readonly<Record<string, UserSort>> = {
  n: "name",
  d: "daily",
  t: "total",
  l: "remaining",
  r: "rate",
  s: "state",
};

const BAR_CELLS = 8;

const RATES: readonly ScreenColumn<UserRow>[] = [
  {
    ...{ title: "UP", align: "right", width: 12, rank: 21 },
    text: ({ uplinkRate }) => formatRate(uplinkRate),
    style: ({ uplinkRate }) => (uplinkRate > 0 ? "plain" : "dim"),
  },
  {
    ...{ title: "DOWN", align: "right", width: 12, rank: 20 },
    text: ({ downlinkRate }) => formatRate(downlinkRate),
    style: ({ downlinkRate }) => (downlinkRate > 0 ? "plain" : "dim"),
  },
];

const BAR: ScreenColumn<UserRow> = {
  ...{ title: "OF LIMIT", align: "left", width: BAR_CELLS + 7, rank: 30 },
  text: (row) => barText(row),
  style: ({ state }) => STATE_STYLES[state],
};

/** What `sluice top` and `sluice up` show. */
export const COLUMNS: readonly ScreenColumn<UserRow>[] = [
  { title: "USER", align: "left", width: 16, widest: 32, rank: 0, text: ({ name }) => name },
  { title: "DAILY", align: "right", width: 10, rank: 23, text: ({ dailyBytes }) => size(dailyBytes) },
  { title: "TOTAL", align: "right", width: 10, rank: 22, text: ({ totalBytes }) => size(totalBytes) },
  {
    ...{ title: "REMAINING", align: "right", width: 10, rank: 2 },
    text: ({ remainingBytes }) => (remainingBytes < 0 ? "∞" : size(remainingBytes)),
  },
  ...RATES,
  BAR,
  {
    ...{ title: "SERVICES", align: "left", width: 8, rank: 31 },
    text: ({ services }) => services.join(","),
  },
  {
    ...{ title: "STATE", align: "left", width: 10, widest: 32, rank: 1 },
    text: ({ state, gate }) => (gate === "" ? state : `${state} (${gate})`),
    style: ({ state }) => STATE_STYLES[state],
  },
];

/** The old table first, with its titles, widths and words; then what it did not have. */
export const OLD_COLUMNS: readonly ScreenColumn<UserRow>[] = [
  { title: "USERNAME", align: "left", width: 12, widest: 32, rank: 0, text: ({ name }) => name },
  { title: "DAILY(MB)", align: "left", width: 10, rank: 5, text: ({ dailyBytes }) => megabytes(dailyBytes) },
  { title: "TOTAL(MB)", align: "left", width: 10, rank: 3, text: ({ totalBytes }) => megabytes(totalBytes) },
  {
    ...{ title: "LIMIT(MB)", align: "left", width: 10, rank: 4 },
    text: ({ totalLimitBytes }) => megabytes(totalLimitBytes),
  },
  {
    ...{ title: "REMAIN(MB)", align: "left", width: 10, rank: 2 },
    text: ({ remainingBytes }) => (remainingBytes < 0 ? "∞" : megabytes(remainingBytes)),
  },
  { title: "TYPE", align: "left", width: 8, rank: 6, text: typeOf },
  {
    ...{ title: "STATUS", align: "left", width: 10, rank: 1 },
    text: ({ state }) => STATUS_WORDS[state],
    style: ({ state }) => STATE_STYLES[state],
  },
  ...RATES,
  BAR,
];

/** How much of the nearer limit is used, from 0 to 1; undefined without a limit. */
export function shareOf(row: UserRow): number | undefined {
  const { totalLimitBytes, dailyLimitBytes } = row;
  const shares = [
    totalLimitBytes > 0 ? row.totalBytes / totalLimitBytes : undefined,
    dailyLimitBytes > 0 ? row.dailyBytes / dailyLimitBytes : undefined,
  ].filter((share) => share !== undefined);
  return shares.length === 0 ? undefined : Math.min(1, Math.max(...shares));
}

/** "[####....]  62%". Full, and 100 %, only at the limit. */
function barText(row: UserRow): string {
  const share = shareOf(row);
  if (share === undefined) return "";
  const filled = Math.floor(share * BAR_CELLS);
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  return `[${"#".repeat(filled)}${".".repeat(BAR_CELLS - filled)}] ${percent}`;
}

const STATE_STYLES: Readonly<Record<UserState, Style>> = {
  ok: "green",
  warning: "yellow",
  limited: "red",
  disabled: "red",
  unlimited: "cyan",
};

function size(value: number): string {
  return formatSize(value as Bytes);
}

function megabytes(value: number): string {
  return String(wholeMegabytes(value as Bytes));
}
