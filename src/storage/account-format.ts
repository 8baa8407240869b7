/**
 * An account as JSON: the nine keys operators' scripts know, in their order,
 * then ours. The same document is a file and, on one line, a journal entry.
 *
 * `last_stats` is what was booked in the counters' present epochs,
 * `baseline_usage` what was booked before them, and `total_usage` their sum,
 * all in counted bytes.
 *
 * Pure: values in, values out.
 */
import type { Account, Crossing, HeldAccess, Imported, Removal } from "../ledger/account.ts";
import type { CounterState } from "../ledger/counters.ts";
import { type CounterName, epochName, userName } from "../names.ts";
import { parsePeriod, periodText } from "../rules.ts";
import { type Bytes, bytes, localDate, type Traffic, type UnixTime, unixTime } from "../units.ts";
import { aheadDocument, aheadOf } from "./ahead-format.ts";

/** The newest form of the document that this program writes and reads. */
export const ACCOUNT_VERSION = 1;

type Document = Readonly<Record<string, unknown>>;

export function accountDocument(account: Account): Document {
  const { usage, limits } = account;
  let inEpochs = 0;
  for (const counter of account.counters.values()) inEpochs += counter.booked;
  const lastStats = Math.min(inEpochs, usage.totalCounted);
  return {
    username: account.name,
    daily_usage: usage.dailyCounted,
    total_usage: usage.totalCounted,
    daily_limit: limits.daily,
    total_limit: limits.total,
    last_reset: usage.day,
    last_update: Math.floor(account.updatedAt / 1000),
    baseline_usage: usage.totalCounted - lastStats,
    last_stats: lastStats,
    version: ACCOUNT_VERSION,
    sequence: account.sequence,
    state: account.disabled ? "disabled" : limitReached(account) ? "limited" : "active",
    services: account.services,
    enrolled: account.enrolled,
    disabled: account.disabled,
    period: periodText(account.period),
    period_anchor: account.periodAnchor,
    period_start: usage.periodStart,
    daily_uplink: usage.daily.uplink,
    daily_downlink: usage.daily.downlink,
    total_uplink: usage.total.uplink,
    total_downlink: usage.total.downlink,
    lifetime_uplink: usage.lifetime.uplink,
    lifetime_downlink: usage.lifetime.downlink,
    warned_daily_percent: usage.warnedDaily,
    warned_total_percent: usage.warnedTotal,
    counters: Object.fromEntries(
      [...account.counters].map(([name, counter]) => [name, counterDocument(counter)]),
    ),
    held: account.held,
    kernel_number: account.kernelNumber,
    gate_depleted: account.depleted ?? null,
    crossing: account.crossing ? crossingDocument(account.crossing) : null,
    removal: account.removal ? removalDocument(account.removal) : null,
    ...(account.imported ? { imported: importedDocument(account.imported) } : {}),
    ...account.foreign,
  };
}

function crossingDocument({ at, used, limit }: Crossing): Document {
  return { at_ms: at, used, limit };
}

function removalDocument({ by, began, archive, login }: Removal): Document {
  return { by, began_ms: began, archive, login };
}

function importedDocument({ total, usage, disabled }: Imported): Document {
  return { total_limit: total ?? null, total_usage: usage ?? null, disabled };
}

function limitReached({ usage, limits, depleted }: Account): boolean {
  return (
    depleted !== undefined ||
    (limits.total > 0 && usage.totalCounted >= limits.total) ||
    (limits.daily > 0 && usage.dailyCounted >= limits.daily)
  );
}

function counterDocument(counter: CounterState): Document {
  return {
    epoch: counter.epoch,
    uplink: counter.baseline.uplink,
    downlink: counter.baseline.downlink,
    ...aheadDocument(counter.ahead),
    booked: counter.booked,
    read_at_ms: counter.readAt,
  };
}

const OURS: ReadonlySet<string> = new Set([
  ...["username", "daily_usage", "total_usage", "daily_limit", "total_limit", "last_reset", "last_update"],
  ...["baseline_usage", "last_stats", "version", "sequence", "state", "services", "disabled", "period"],
  ...["period_anchor", "period_start", "daily_uplink", "daily_downlink", "total_uplink", "total_downlink"],
  ...[
    "lifetime_uplink",
    "lifetime_downlink",
    "warned_daily_percent",
    "warned_total_percent",
    "counters",
    "held",
    "enrolled",
    "kernel_number",
    "gate_depleted",
    "crossing",
    "removal",
    "imported",
  ],
]);

/**
 * @throws {RangeError | SyntaxError | TypeError} naming the key that cannot be
 * used; also when the document is of a newer version.
 */
export function accountOf(document: unknown): Account {
  const fields = object(document, "account");
  const version = whole(fields, "version");
  if (version > ACCOUNT_VERSION) {
    throw new RangeError(
      `version: expected ${ACCOUNT_VERSION} or lower, got ${version} (written by a newer Sluice)`,
    );
  }
  return {
    name: userName(text(fields, "username")),
    limits: { daily: count(fields, "daily_limit"), total: count(fields, "total_limit") },
    period: parsePeriod(text(fields, "period")),
    periodAnchor: localDate(text(fields, "period_anchor")),
    services: list(fields, "services").map(String),
    disabled: flag(fields, "disabled"),
    held: list(fields, "held") as readonly HeldAccess[],
    // Absent from documents of the first releases.
    enrolled: fields["enrolled"] === undefined ? [] : list(fields, "enrolled").map(String),
    kernelNumber: fields["kernel_number"] === undefined ? 0 : whole(fields, "kernel_number"),
    depleted: depletedOf(fields["gate_depleted"]),
    crossing: optional(fields, "crossing", (crossing) => ({
      at: unixTime(whole(crossing, "at_ms")),
      used: count(crossing, "used"),
      limit: count(crossing, "limit"),
    })),
    removal: optional(fields, "removal", (removal) => ({
      by: text(removal, "by"),
      began: unixTime(whole(removal, "began_ms")),
      archive: text(removal, "archive"),
      login: text(removal, "login"),
    })),
    imported: optional(fields, "imported", (imported) => ({
      total: optionalCount(imported, "total_limit"),
      usage: optionalCount(imported, "total_usage"),
      disabled: flag(imported, "disabled"),
    })),
    usage: {
      day: localDate(text(fields, "last_reset")),
      daily: traffic(fields, "daily_uplink", "daily_downlink"),
      dailyCounted: count(fields, "daily_usage"),
      periodStart: localDate(text(fields, "period_start")),
      total: traffic(fields, "total_uplink", "total_downlink"),
      totalCounted: count(fields, "total_usage"),
      lifetime: traffic(fields, "lifetime_uplink", "lifetime_downlink"),
      warnedDaily: whole(fields, "warned_daily_percent"),
      warnedTotal: whole(fields, "warned_total_percent"),
    },
    counters: new Map(
      Object.entries(object(fields["counters"], "counters")).map(([name, counter]) => [
        name as CounterName,
        counterOf(object(counter, `counters.${name}`)),
      ]),
    ),
    sequence: whole(fields, "sequence"),
    updatedAt: unixTime(whole(fields, "last_update") * 1000),
    foreign: Object.fromEntries(Object.entries(fields).filter(([key]) => !OURS.has(key))),
  };
}

function counterOf(fields: Document): CounterState {
  return {
    epoch: epochName(text(fields, "epoch")),
    baseline: traffic(fields, "uplink", "downlink"),
    ahead: aheadOf(fields),
    booked: count(fields, "booked"),
    readAt: whole(fields, "read_at_ms") as UnixTime,
  };
}

function depletedOf(value: unknown): Account["depleted"] {
  if (value === undefined || value === null) return undefined;
  if (value !== "total" && value !== "daily") throw wrong("gate_depleted", `"total" or "daily"`, value);
  return value;
}

function optional<Value>(fields: Document, name: string, read: (part: Document) => Value): Value | undefined {
  const value = fields[name];
  return value === undefined || value === null ? undefined : read(object(value, name));
}

function object(value: unknown, name: string): Document {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong(name, "an object", value);
  return value as Document;
}

function list(fields: Document, name: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw wrong(name, "a list", value);
  return value;
}

function text(fields: Document, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw wrong(name, "text", value);
  return value;
}

function flag(fields: Document, name: string): boolean {
  const value = fields[name];
  if (typeof value !== "boolean") throw wrong(name, "true or false", value);
  return value;
}

function whole(fields: Document, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw wrong(name, "a whole number", value);
  return value;
}

function count(fields: Document, name: string): Bytes {
  return bytes(whole(fields, name));
}

function optionalCount(fields: Document, name: string): Bytes | undefined {
  return fields[name] === undefined || fields[name] === null ? undefined : count(fields, name);
}

function traffic(fields: Document, uplink: string, downlink: string): Traffic {
  return { uplink: count(fields, uplink), downlink: count(fields, downlink) };
}

function wrong(name: string, expected: string, got: unknown): TypeError {
  return new TypeError(`${name}: expected ${expected}, got ${JSON.stringify(got) ?? "nothing"}`);
}
