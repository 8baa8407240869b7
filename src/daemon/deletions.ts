/**
 * Deletes logins at their limits, or on order.
 *
 * The decision is policy's; here it is asked at the right moments, written down
 * before it is carried out, carried out step by step, and finished after a
 * crash. A step that fails leaves the login locked and is tried again.
 */
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import type { SshSettings } from "../config.ts";
import { removeLogin } from "../enforcement/ssh/removal.ts";
import { RefusedRequestError, reasonOf } from "../errors.ts";
import type { Removal } from "../ledger/account.ts";
import { counterName, fileNameOf, userName } from "../names.ts";
import { type DeletionDecision, decideDeletion } from "../policy/deletion.ts";
import type { Job } from "../scheduler/scheduler.ts";
import { type Login, parsePasswd } from "../sources/ssh/logins.ts";
import { accountDocument } from "../storage/account-format.ts";
import type { EventFile } from "../storage/events.ts";
import { type MonotonicTime, monotonicTime, type UnixTime, unixTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";
import type { LoginGuards } from "./login-guards.ts";
import { pastDeletions } from "./past-deletions.ts";
import type { Saver } from "./saver.ts";
import { SSH } from "./ssh-backend.ts";
import type { SshPart } from "./ssh-part.ts";

export interface DeletionsOptions {
  readonly settings: SshSettings;
  readonly mode: "enforce" | "observe";
  /** Archives go to its folder "deleted". */
  readonly stateDirectory: string;
  readonly books: Books;
  readonly saver: Saver;
  readonly events: EventFile;
  readonly clock: Clock;
  readonly guards: LoginGuards;
  readonly ssh: () => SshPart | undefined;
  /** Takes the account out of the books and off the disk. */
  readonly forget: (entry: Entry) => Promise<void>;
  /** The clock, the settings or the state changed in a way that makes a limit's word doubtful. */
  readonly quietSince: () => UnixTime;
}

/** What orders a deletion that nobody ordered. */
const LIMIT = "its total limit";
const RETRY_MS = 10_000;
const DAY_MS = 86_400_000;
const NEVER = monotonicTime(Number.POSITIVE_INFINITY);

export class Deletions implements Job {
  readonly name = "deletions";
  readonly #options: DeletionsOptions;
  /** Who is to be looked at, and when. */
  readonly #due = new Map<Entry, MonotonicTime>();
  readonly #running = new Map<Entry, Promise<void>>();
  readonly #said = new Map<Entry, string>();
  /** When logins were deleted at their limits, by archive, from the moment it was decided. */
  readonly #recent: Map<string, UnixTime>;

  constructor(options: DeletionsOptions) {
    this.#options = options;
    const yesterday = unixTime(options.clock.unix() - DAY_MS);
    this.#recent = pastDeletions(archivesIn(options.stateDirectory), LIMIT, yesterday);
    for (const entry of options.books.accounts.values()) {
      if (entry.standing.removal || entry.standing.crossing) this.#due.set(entry, monotonicTime(0));
    }
  }

  /** Whether the present verdict asks for the login to be locked, or more. */
  locks(entry: Entry): boolean {
    const { verdict, standing } = entry;
    if (standing.removal) return true;
    if (verdict.kind === "allow" || verdict.reason === "daily-exhausted") return false;
    if (verdict.reason === "disabled") return true;
    const { onLimit } = this.#options.settings;
    if (onLimit === "lock") return standing.enrolled.includes(SSH);
    return this.#decide(entry).kind !== "keep";
  }

  /** A verdict changed: is it one that deletes? */
  consider(entry: Entry): void {
    const { verdict } = entry;
    if (verdict.kind === "deny" && verdict.reason === "total-exhausted")
      this.#due.set(entry, monotonicTime(0));
    else if (!entry.standing.removal) {
      this.#due.delete(entry);
      this.#said.delete(entry);
    }
  }

  dueAt(): MonotonicTime {
    let next: number = NEVER;
    for (const [entry, at] of this.#due) if (!this.#running.has(entry) && at < next) next = at;
    return monotonicTime(next);
  }

  run(tick: MonotonicTime): void {
    for (const [entry, at] of this.#due) {
      if (at > tick || this.#running.has(entry)) continue;
      this.#due.delete(entry);
      this.#weigh(entry, tick);
    }
  }

  /**
   * Deletes the login on somebody's order, whatever he used.
   *
   * @throws {RefusedRequestError} when it must never be deleted, or nothing is while Sluice observes.
   */
  async order(entry: Entry, by: string): Promise<void> {
    const { mode, books, ssh, guards, clock } = this.#options;
    const { name } = entry.standing;
    await this.#running.get(entry);
    if (books.accounts.get(name) !== entry) return; // that was it
    const login = ssh()?.loginOfAccount(entry)?.login;
    const why =
      mode === "observe"
        ? "Sluice only observes"
        : login
          ? guards.whyNotDelete(login.name)
          : "it is not metered now";
    if (!login || why !== undefined) {
      throw new RefusedRequestError(
        `Cannot delete the login of "${name}": ${why}; --keep-login forgets his usage and limits alone`,
      );
    }
    this.#due.delete(entry);
    const work = this.#begin(entry, login, by);
    this.#track(entry, work, clock.monotonic());
    await work;
  }

  /** Resolves when what is under way has ended. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }

  #decide(entry: Entry): DeletionDecision {
    const { settings, clock, quietSince, books, ssh, guards } = this.#options;
    const { standing, verdict } = entry;
    const login = ssh()?.loginOfAccount(entry);
    if (!login) return { kind: "keep", why: undefined };
    return decideDeletion({
      now: clock.unix(),
      onLimit: settings.onLimit,
      verdict,
      enrolled: standing.enrolled.includes(SSH),
      crossing: standing.crossing,
      totalLimit: standing.limits.total,
      quietUntil: unixTime(quietSince() + settings.deleteQuiet),
      recent: [...this.#recent.values()],
      accounts: books.accounts.size,
      guard: guards.whyNotDelete(login.login.name),
    });
  }

  #weigh(entry: Entry, tick: MonotonicTime): void {
    const { mode, events, clock, books } = this.#options;
    const { name, removal } = entry.standing;
    if (books.accounts.get(name) !== entry || mode === "observe") return;
    if (removal) return this.#resume(entry, removal, tick);
    const decision = this.#decide(entry);
    if (decision.kind === "delete") {
      const login = this.#options.ssh()?.loginOfAccount(entry);
      if (login) this.#track(entry, this.#begin(entry, login.login, LIMIT), tick);
      return;
    }
    if (decision.kind === "wait") this.#due.set(entry, monotonicTime(tick + (decision.until - clock.unix())));
    if (decision.why === undefined || this.#said.get(entry) === decision.kind) return;
    this.#said.set(entry, decision.kind);
    const text = {
      keep: `Login ${name} is over his limit and stays: ${decision.why}; sluice delete ${name} deletes it`,
      wait: `Login ${name} is over his limit and locked; it is deleted later: ${decision.why}`,
      ask: `Login ${name} is over his limit and locked, not deleted: ${decision.why}; sluice delete ${name} deletes it`,
    }[decision.kind];
    events.record("delete-held", text, { user: name, decision: decision.kind }, "warning");
  }

  /** After a crash. What speaks against it now was not known when it began. */
  #resume(entry: Entry, removal: Removal, tick: MonotonicTime): void {
    const { books, events, ssh, guards } = this.#options;
    const { name } = entry.standing;
    const login = ssh()?.loginOfAccount(entry)?.login;
    const why = login && guards.whyNotDelete(login.name);
    if (why === undefined || removal.by !== LIMIT) {
      if (removal.by === LIMIT) this.#recent.set(removal.archive, removal.began);
      return this.#track(entry, this.#finish(entry, removal), tick);
    }
    books.change(entry, { removal: undefined, crossing: undefined });
    const text = `The deletion of login ${name} is not gone on with: ${why}; what was kept of it is in ${removal.archive}`;
    events.record("delete-held", text, { user: name, decision: "keep" }, "warning");
  }

  async #begin(entry: Entry, login: Login, by: string): Promise<void> {
    const { books, saver, clock, stateDirectory } = this.#options;
    const began = clock.unix();
    const stamp = new Date(began).toISOString().replace(/[-:]|\.\d+/g, "");
    const removal: Removal = {
      by,
      began,
      archive: join(archivesIn(stateDirectory), `${fileNameOf(entry.standing.name)}-${stamp}`),
      login: login.line,
    };
    // Before any wait: whoever crosses in the same moment is weighed with this one counted.
    if (by === LIMIT) this.#recent.set(removal.archive, began);
    const account = books.accountOf(entry);
    try {
      await saver.saveNow({ ...account, removal, sequence: account.sequence + 1 });
    } catch (error) {
      this.#recent.delete(removal.archive);
      throw error;
    }
    books.change(entry, { removal });
    await this.#finish(entry, removal);
  }

  async #finish(entry: Entry, removal: Removal): Promise<void> {
    const { settings, books, events, clock, ssh, forget, saver } = this.#options;
    const [login] = parsePasswd(removal.login);
    const part = ssh();
    if (!login || !part) throw new Error(`Cannot delete "${entry.standing.name}": SSH is not metered now`);
    const user = userName(login.name);
    const { name, crossing } = entry.standing;
    const report = await removeLogin(
      {
        login,
        archive: removal.archive,
        archiveHome: settings.archiveHome,
        legacyDirectory: settings.legacyDirectory,
        publicDirectory: settings.publicDirectory,
      },
      {
        shutGate: async () => part.backend?.shut(user),
        endSessions: async () => {
          const { shortfalls } = await part.enforcer.endSessions(login, user);
          if (shortfalls.length > 0) throw new Error(shortfalls.join("; "));
        },
        dropKernelObjects: () => part.forget(user),
        accountState: () => `${JSON.stringify(accountDocument(books.accountOf(entry)), null, 2)}\n`,
        onStep: () => undefined,
      },
    );
    // After a crash the login may be gone already, and with it what would have said so.
    if (entry.standing.services.includes(SSH))
      books.dropService(entry, SSH, counterName(part.gate.name, user));
    if (entry.standing.services.length > 0) {
      // His other services have the same quota, and stay cut by it.
      const held = entry.standing.held.filter((each) => each.keeper !== part.gate.name);
      books.change(entry, { removal: undefined, crossing: undefined, held });
      await saver.saveNow(books.accountOf(entry));
    } else {
      await forget(entry);
    }
    const notes = report.notes.length > 0 ? `; ${report.notes.join("; ")}` : "";
    events.record("deleted", `Login ${name} deleted by ${removal.by}; kept in ${removal.archive}${notes}`, {
      user: name,
      by: removal.by,
      archive: removal.archive,
      used_bytes: entry.usage.totalCounted,
      limit_bytes: entry.standing.limits.total,
      crossed_at_ms: crossing?.at,
      began_at_ms: removal.began,
      took_ms: clock.unix() - removal.began,
    });
  }

  #track(entry: Entry, work: Promise<void>, tick: MonotonicTime): void {
    const { events } = this.#options;
    const settled = work
      .then(
        () => this.#said.delete(entry),
        (error: unknown) => {
          const { name } = entry.standing;
          if (this.#said.get(entry) !== "failed") {
            const text = `Cannot delete login ${name}: ${reasonOf(error)}; it stays locked, and is tried again`;
            events.record("delete-failed", text, { user: name }, "error");
          }
          this.#said.set(entry, "failed");
          this.#due.set(entry, monotonicTime(tick + RETRY_MS));
        },
      )
      .then(() => undefined)
      .finally(() => this.#running.delete(entry));
    this.#running.set(entry, settled);
  }
}

function archivesIn(stateDirectory: string): string {
  return join(stateDirectory, "deleted");
}
