/**
 * What each request of the API may say: the routes read by it, and the document
 * tells of it.
 *
 * Pure: no clock, no I/O.
 */
import { userName } from "../../../names.ts";
import { parsePeriod } from "../../../rules.ts";
import { SORTS, STATES } from "./account-list.ts";
import {
  flag,
  flagText,
  listOf,
  oneOf,
  optional,
  otherwise,
  parsed,
  text,
  whole,
  wholeText,
} from "./input.ts";

/** As far as a date of JavaScript's goes. */
const LAST_MOMENT = 8_640_000_000_000_000;
const OFFSET = otherwise(wholeText(0, 1_000_000), 0);
const MOMENTS = {
  since: optional(wholeText(0, LAST_MOMENT)),
  until: optional(wholeText(0, LAST_MOMENT)),
};

export const NOTHING = {};

export const ACCOUNT_LIST = {
  q: optional(text()),
  state: optional(oneOf(...STATES)),
  service: optional(text()),
  sort: otherwise(oneOf(...SORTS), "name"),
  order: otherwise(oneOf("asc", "desc"), "asc"),
  offset: OFFSET,
  limit: otherwise(wholeText(1, 1_000), 100),
};

export const LIMITS = {
  totalBytes: optional(whole(0, Number.MAX_SAFE_INTEGER)),
  dailyBytes: optional(whole(0, Number.MAX_SAFE_INTEGER)),
  period: optional(parsed('"never", "weekly", "monthly", "monthly:1" to "monthly:31" or "30d"', parsePeriod)),
  confirm: otherwise(flag(), false),
};

export const NEW_ACCOUNT = {
  ...LIMITS,
  name: parsed("a name of 1 to 255 bytes without control characters", userName),
};

export const DELETION = { confirm: text(1_000), keepLogin: otherwise(flag(), false) };

export const USAGE = { range: otherwise(oneOf("24h", "7d", "30d", "12m"), "24h") };

export const EVENTS = {
  user: optional(text()),
  kind: optional(text(64)),
  ...MOMENTS,
  limit: otherwise(wholeText(1, 1_000), 100),
};

export const SESSIONS = {
  live: otherwise(flagText(), false),
  service: optional(oneOf("openvpn", "ssh")),
  account: optional(text()),
  ...MOMENTS,
  limit: otherwise(wholeText(1, 1_000), 200),
};

const HOST_FILTER = {
  q: optional(text()),
  service: optional(text(16)),
  source: optional(text(45)),
  account: optional(text()),
};
export const HOST_LIST = { ...HOST_FILTER, offset: OFFSET, limit: otherwise(wholeText(1, 1_000), 200) };
export const HOST_EXPORT = { ...HOST_FILTER, format: otherwise(oneOf("txt", "csv"), "txt") };

export const CONNECTIONS = {
  by: otherwise(oneOf("country", "city"), "country"),
  minutes: otherwise(wholeText(1, 1_440), 5),
};
export const CONNECTION_HOURS = { hours: otherwise(wholeText(1, 720), 24) };
/** Without it /api/history is another one. */
export const LEGACY_HOURS = { hours: wholeText(1, 720) };

export const SETTINGS = { changes: listOf({ key: text(64), value: text(4_096) }, 50) };
