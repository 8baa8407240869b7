/**
 * What people order: limits, resets, disable, enable, delete.
 *
 * Each order is saved, file and folder synced, before anything follows from it;
 * if the disk refuses, the order fails and nothing has changed. The clerk works
 * in the daemon, behind the control socket, and in a command that holds the
 * state folder's lock while no daemon runs.
 */
import { RefusedRequestError, reasonOf } from "../errors.ts";
import type { Limits } from "../ledger/account.ts";
import { periodStart } from "../ledger/period.ts";
import { cleared } from "../ledger/usage.ts";
import type { UserName } from "../names.ts";
import { type PeriodRule, periodText } from "../rules.ts";
import { formatSize } from "../sizes.ts";
import type { EventFile } from "../storage/events.ts";
import type { StateFolder } from "../storage/state-folder.ts";
import { type Bytes, type UnixTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import { OPENVPN } from "./openvpn-view.ts";
import type { Saver } from "./saver.ts";
import { SSH } from "./ssh-backend.ts";

export interface ClerkOptions {
  readonly books: Books;
  readonly saver: Saver;
  readonly folder: StateFolder;
  readonly events: EventFile;
  readonly now: () => UnixTime;
  /** Judges the account anew and carries the verdict out. */
  readonly decide: (entry: Entry) => void;
  /** Deletes the account's login on this host, and with it the account if nothing else is left of it. */
  readonly deleteLogin: (entry: Entry, by: string) => Promise<void>;
}

export interface LimitOrder {
  readonly name: UserName;
  /** Counted bytes; 0 is unlimited; undefined leaves it. */
  readonly total: Bytes | undefined;
  readonly daily: Bytes | undefined;
  readonly period: PeriodRule | undefined;
  /** Goes on although the new limit lies at or below what is used already. */
  readonly yes: boolean;
  /** Makes an account for a name no engine knows yet, of each of `services`; of Xray if there are none. */
  readonly create: boolean;
  /** Services the limit ends for good where settings say so; empty is all he has now. */
  readonly services: readonly string[];
  /** A new total limit or period ends no SSH login for good: whoever ordered it may not delete. */
  readonly sparesLogin: boolean;
}

export class Clerk {
  readonly #options: ClerkOptions;

  constructor(options: ClerkOptions) {
    this.#options = options;
  }

  /**
   * @param by who ordered it, for the event.
   * @throws {UnknownUserError}
   * @throws {RefusedRequestError} when the limit would cut at once and `yes` is not given.
   */
  async setLimits(order: LimitOrder, by: string): Promise<Entry> {
    const { books, saver, events } = this.#options;
    const isNew = !books.accounts.has(order.name);
    const entry = this.#entry(order);
    const limits: Limits = {
      daily: order.daily ?? entry.standing.limits.daily,
      total: order.total ?? entry.standing.limits.total,
    };
    refuseBelowUsage(entry, limits, order.yes);
    const enrolled = limits.total === 0 ? [] : enrolledBy(order, entry);
    const account = books.accountOf(entry);
    const anchor = order.period ? books.day.date : account.periodAnchor;
    const ordered = {
      ...account,
      ...NOTHING_REACHED,
      limits,
      enrolled,
      period: order.period ?? account.period,
      periodAnchor: anchor,
      usage: order.period
        ? {
            ...account.usage,
            periodStart: laterOf(account.usage.periodStart, periodStart(order.period, anchor, anchor)),
          }
        : account.usage,
      sequence: account.sequence + 1,
    };
    try {
      await saver.saveNow(ordered);
    } catch (error) {
      if (isNew && entry.counters.size === 0) books.remove(entry);
      throw error;
    }
    books.setLimits(entry, limits, order.period, enrolled);
    events.record(
      "limit-changed",
      `Limit of ${order.name} set by ${by}: total ${limitText(limits.total)}, daily ${limitText(limits.daily)}, period ${periodText(entry.standing.period)}`,
      { user: order.name, by, total_bytes: limits.total, daily_bytes: limits.daily },
    );
    return this.#done(entry);
  }

  /** Day and period start over at zero; whoever was cut for them is let in. @throws {UnknownUserError} */
  async reset(name: UserName, by: string): Promise<Entry> {
    const { books, saver, events } = this.#options;
    const entry = books.entry(name);
    const account = books.accountOf(entry);
    const before = account.usage.totalCounted;
    await saver.saveNow({
      ...account,
      ...NOTHING_REACHED,
      usage: cleared(account.usage),
      sequence: account.sequence + 1,
    });
    books.reset(entry);
    events.record("reset", `Usage of ${name} reset by ${by}: it was ${formatSize(before)}`, {
      user: name,
      by,
      used_bytes: before,
    });
    return this.#done(entry);
  }

  /** @throws {UnknownUserError} */
  async setDisabled(name: UserName, disabled: boolean, by: string): Promise<Entry> {
    const { books, saver, events } = this.#options;
    const entry = books.entry(name);
    if (entry.standing.disabled === disabled) return entry;
    const account = books.accountOf(entry);
    await saver.saveNow({ ...account, disabled, sequence: account.sequence + 1 });
    books.change(entry, { disabled });
    events.record(
      disabled ? "disabled" : "enabled",
      `${name} ${disabled ? "disabled" : "enabled"} by ${by}`,
      { user: name, by },
    );
    return this.#done(entry);
  }

  /**
   * Deletes an account, with its login on this host unless that is to be kept.
   * The users of engines stay: they are the engine's.
   *
   * @throws {UnknownUserError}
   * @throws {RefusedRequestError} when the login must never be deleted, or
   * while something taken from the user must still be put back.
   */
  async delete(name: UserName, keepLogin: boolean, by: string): Promise<void> {
    const { books, deleteLogin, events } = this.#options;
    const entry = books.entry(name);
    const { held, services } = entry.standing;
    const login = services.includes(SSH) && !keepLogin;
    if (held.some(({ keeper }) => keeper !== SSH || !login)) {
      throw new RefusedRequestError(
        `Cannot delete "${name}": he is cut, and what was taken from him is kept in his account; reset or enable him first`,
      );
    }
    if (login) return deleteLogin(entry, by);
    await this.forget(entry);
    events.record("deleted", `Account ${name} deleted by ${by}`, { user: name, by });
  }

  /**
   * Takes an account out of the books and off the disk. Its counters' baselines
   * are saved first, so that a new account of the name starts at zero.
   */
  async forget(entry: Entry): Promise<void> {
    const { books, folder } = this.#options;
    const { name } = entry.standing;
    const sequence = entry.sequence;
    books.remove(entry);
    try {
      await folder.saveKeepers(books.keepersState());
      await folder.deleteAccount(name, sequence);
    } catch (error) {
      books.putBack(entry);
      throw new Error(`Cannot delete "${name}": ${reasonOf(error)}`, { cause: error });
    }
    const accounts = [...books.accounts.values()].map((each) => books.accountOf(each));
    await folder.compact(accounts, books.keepersState()).catch(() => undefined); // the longer journal says the same
  }

  /**
   * What was booked while the order was being saved may stand in the journal
   * with a higher sequence and without the order: the journal gets it at once.
   */
  async #done(entry: Entry): Promise<Entry> {
    this.#options.decide(entry);
    await this.#options.saver.tryFlush();
    return entry;
  }

  #entry({ name, create, services }: LimitOrder): Entry {
    const { books } = this.#options;
    if (books.accounts.has(name) || !create) return books.entry(name);
    const unknown = services.filter((service) => !SERVICES.includes(service));
    if (unknown.length > 0) {
      throw new RefusedRequestError(
        `Cannot make an account for "${name}": expected services of ${SERVICES.join(", ")}, got ${unknown.join(", ")}`,
      );
    }
    const [made] = (services.length > 0 ? services : ["xray"]).map((service) => books.know(name, service));
    if (!made)
      throw new RefusedRequestError(`Cannot make an account for "${name}": its saved state cannot be used`);
    return made;
  }
}

/** By which an account can be known before anybody saw him. */
const SERVICES: readonly string[] = ["xray", SSH, OPENVPN];

/** With a new limit or a reset, what came of the old one is over. */
const NOTHING_REACHED = { depleted: undefined, crossing: undefined } as const;

function enrolledBy(order: LimitOrder, { standing }: Entry): readonly string[] {
  const { name, services, total, period, sparesLogin } = order;
  const unknown = services.filter((service) => !standing.services.includes(service));
  if (unknown.length > 0) {
    throw new RefusedRequestError(
      `Cannot enrol "${name}" for ${unknown.join(", ")}: his services are ${standing.services.join(", ") || "none yet"}`,
    );
  }
  const wanted = services.length > 0 ? services : standing.services;
  if (!sparesLogin) return wanted;
  return total === undefined && period === undefined
    ? standing.enrolled
    : wanted.filter((service) => service !== SSH);
}

function refuseBelowUsage(entry: Entry, limits: Limits, yes: boolean): void {
  const { totalCounted, dailyCounted } = entry.usage;
  const over = (used: Bytes, limit: Bytes) => limit > 0 && used >= limit;
  if (yes || !(over(totalCounted, limits.total) || over(dailyCounted, limits.daily))) return;
  const [span, used, limit] = over(totalCounted, limits.total)
    ? (["period", totalCounted, limits.total] as const)
    : (["day", dailyCounted, limits.daily] as const);
  throw new RefusedRequestError(
    `Cannot set the limit of "${entry.standing.name}" without --yes: ${formatSize(used)} of this ${span} are used already, so ${formatSize(limit)} would cut at once`,
  );
}

function limitText(limit: Bytes): string {
  return limit === 0 ? "unlimited" : formatSize(limit);
}

function laterOf<Text extends string>(left: Text, right: Text): Text {
  return left > right ? left : right;
}
