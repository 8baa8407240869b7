/**
 * Takes accounts over from the old scripts' files, as a command read them.
 *
 * Like any other order each is saved, file and folder synced, before anything
 * follows from it. Usage that was over a limit already was not seen to get
 * there, so it cuts and never deletes; and whoever gets usage that somebody
 * else counted is enrolled for nothing until his limit is set anew.
 */
import type { ImportFailure, ImportRow } from "../control/rows.ts";
import { RefusedRequestError, reasonOf } from "../errors.ts";
import type { Account, Imported, Limits } from "../ledger/account.ts";
import type { Usage } from "../ledger/usage.ts";
import { type UserName, userName } from "../names.ts";
import type { CountRule } from "../rules.ts";
import { formatSize } from "../sizes.ts";
import type { EventFile } from "../storage/events.ts";
import { addTraffic, type Bytes, bytes, NO_BYTES } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import type { Saver } from "./saver.ts";
import { SSH } from "./ssh-backend.ts";

export interface ImporterOptions {
  readonly books: Books;
  readonly saver: Saver;
  readonly events: EventFile;
  readonly count: CountRule;
  /** Judges the account anew and carries the verdict out. */
  readonly decide: (entry: Entry) => void;
  /** Told before the first account changes: nothing is deleted for a while. */
  readonly onImport: () => void;
}

export class Importer {
  readonly #options: ImporterOptions;

  constructor(options: ImporterOptions) {
    this.#options = options;
  }

  /** @param by who ordered it, for the events. @returns the rows that were not taken. */
  async take(rows: readonly ImportRow[], by: string): Promise<ImportFailure[]> {
    const { onImport, saver } = this.#options;
    const failures: ImportFailure[] = [];
    onImport();
    for (const row of rows) {
      try {
        await this.#takeOne(row, by);
      } catch (error) {
        failures.push({ name: row.name, why: reasonOf(error) });
      }
    }
    await saver.tryFlush();
    return failures;
  }

  async #takeOne(row: ImportRow, by: string): Promise<void> {
    const { books, saver, events, count, decide } = this.#options;
    const user = userName(row.name);
    const isNew = !books.accounts.has(books.accountNameOf(user));
    const entry = this.#entryOf(user, row.service);
    const account = books.accountOf(entry);
    const { limits, ...parts } = partsAfter(account, row);
    const usage = usageAfter(entry.usage, row, count);
    try {
      await saver.saveNow({ ...account, ...parts, limits, usage, sequence: account.sequence + 1 });
    } catch (error) {
      if (isNew && entry.counters.size === 0) books.remove(entry);
      throw error;
    }
    if (row.totalBytes !== undefined) books.setLimits(entry, limits, undefined, parts.enrolled);
    // What was booked while the disk worked stays booked.
    books.setUsage(entry, usageAfter(entry.usage, row, count));
    books.change(entry, parts);
    const { name } = entry.standing;
    events.record("imported", `${name} imported by ${by}: ${whatOf(row)}`, {
      user: name,
      by,
      total_bytes: row.totalBytes,
      usage_bytes: row.usageBytes,
      disabled: row.disabled,
    });
    decide(entry);
  }

  #entryOf(user: UserName, service: string): Entry {
    const { books } = this.#options;
    const known = books.accounts.get(books.accountNameOf(user)) ?? books.know(user, service);
    if (known) return known;
    throw new RefusedRequestError(`Cannot import "${user}": the saved state of that account cannot be used`);
  }
}

type Parts = Pick<Account, "limits" | "enrolled" | "disabled" | "imported" | "depleted" | "crossing">;

function partsAfter(account: Account, row: ImportRow): Parts {
  const limits: Limits = {
    daily: account.limits.daily,
    total: row.totalBytes === undefined ? account.limits.total : bytes(row.totalBytes),
  };
  return {
    limits,
    enrolled: enrolledAfter(account, row, limits),
    disabled: row.disabled ?? account.disabled,
    imported: importedAfter(account.imported, row),
    depleted: row.totalBytes === undefined ? account.depleted : undefined,
    crossing: (row.totalBytes ?? row.usageBytes) === undefined ? account.crossing : undefined,
  };
}

/** Theirs deleted SSH logins alone, by rows of that type; usage that was imported may be wrong. */
function enrolledAfter(
  { services, enrolled }: Account,
  row: ImportRow,
  { total }: Limits,
): readonly string[] {
  const others = (row.totalBytes === undefined ? enrolled : services).filter((service) => service !== SSH);
  if (total === 0) return [];
  const stays = row.totalBytes === undefined && enrolled.includes(SSH);
  return row.usageBytes === undefined && (row.enrolSsh || stays) ? [...others, SSH] : others;
}

function importedAfter(before: Imported | undefined, row: ImportRow): Imported {
  const taken = (value: number | undefined): Bytes | undefined =>
    value === undefined ? undefined : bytes(value);
  return {
    total: taken(row.totalBytes) ?? before?.total,
    usage: taken(row.usageBytes) ?? before?.usage,
    disabled: row.disabled ?? before?.disabled ?? false,
  };
}

/** What was counted elsewhere is of the counted direction; of both it is the uplink, as theirs was. Never lowered. */
function usageAfter(usage: Usage, { usageBytes }: ImportRow, count: CountRule): Usage {
  const more = Math.max(0, (usageBytes ?? 0) - usage.totalCounted);
  if (more === 0) return usage;
  const traffic = {
    uplink: NO_BYTES,
    downlink: NO_BYTES,
    [count === "downlink" ? "downlink" : "uplink"]: more,
  };
  return {
    ...usage,
    total: addTraffic(usage.total, traffic),
    totalCounted: bytes(usage.totalCounted + more),
    lifetime: addTraffic(usage.lifetime, traffic),
  };
}

function whatOf({ totalBytes, usageBytes, disabled }: ImportRow): string {
  const parts = [
    totalBytes === undefined
      ? undefined
      : totalBytes === 0
        ? "no limit"
        : `limit ${formatSize(bytes(totalBytes))}`,
    usageBytes === undefined ? undefined : `usage ${formatSize(bytes(usageBytes))}`,
    disabled === undefined ? undefined : disabled ? "disabled" : "enabled",
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}
