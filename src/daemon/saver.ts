/**
 * Gets the books onto the disk: the journal every flush period, the account
 * files behind it, and at once whatever may not be taken back.
 *
 * A disk that refuses is one event and a retry at the next flush; what could
 * not be saved stays marked. Nothing here is ever waited for by a cut.
 */
import type { Clock } from "../clock.ts";
import { codeOf, reasonOf } from "../errors.ts";
import type { Account } from "../ledger/account.ts";
import type { Job } from "../scheduler/scheduler.ts";
import type { EventFile } from "../storage/events.ts";
import type { StateFolder } from "../storage/state-folder.ts";
import { type Milliseconds, type MonotonicTime, monotonicTime } from "../units.ts";
import type { Books, Entry } from "./books.ts";

export interface SaverOptions {
  readonly folder: StateFolder;
  readonly books: Books;
  readonly events: EventFile;
  readonly clock: Clock;
  readonly flush: Milliseconds;
  readonly usageFiles: Milliseconds;
}

/** A journal longer than this, and twice its length after the last rewrite, is rewritten. */
const LONG_JOURNAL = 16 * 1024 * 1024;
/**
 * Account files follow the journal a few at a time: making a file costs 0.7 ms,
 * so ten a second stay below 1 % of a core, and with more than a hundred moving
 * accounts they take longer than `usage_files_ms` to come round.
 */
const FILES_PER_SLICE = 2;
const SLICE_MS = 200;
/** Accounts per append: what is written out together is in memory together, and holds up the tick. */
const ACCOUNTS_PER_APPEND = 50;

export class Saver {
  readonly #options: SaverOptions;
  #flushedAt = monotonicTime(0);
  #round: Entry[] = [];
  #roundAt = monotonicTime(0);
  #sliceAt = monotonicTime(0);
  #rewrittenLength = 0;
  #journaled = new Set<Entry>();
  /** The flush under way, or the last one. */
  #flushing: Promise<void> = Promise.resolve();
  /** Why the disk refuses the journal, while it does. */
  #journalTrouble: string | undefined;
  /** The same for account files: a journal line may fit into its last block where a file does not fit. */
  #fileTrouble: string | undefined;
  readonly #refusedFiles = new Set<Entry>();

  constructor(options: SaverOptions) {
    this.#options = options;
    // What the journal said at start may not be in the files yet.
    for (const entry of options.books.accounts.values()) this.#journaled.add(entry);
  }

  /** Why the disk refuses, while it does. */
  get trouble(): string | undefined {
    return this.#journalTrouble ?? this.#fileTrouble;
  }

  get jobs(): readonly Job[] {
    return [
      { name: "journal", dueAt: () => this.#flushDue(), run: (tick) => this.#flushJob(tick) },
      { name: "usage files", dueAt: () => this.#sliceDue(), run: (tick) => this.#filesJob(tick) },
    ];
  }

  /**
   * Appends and syncs everything unsaved. A call during another waits for it:
   * when it resolves, all that was unsaved at the call is on the disk.
   *
   * @throws the system's error; what was unsaved still is.
   */
  flush(): Promise<void> {
    const flushed = this.#flushing.then(() => this.#flushUnsaved());
    this.#flushing = flushed.catch(() => undefined); // each caller hears of its own failure
    return flushed;
  }

  async #flushUnsaved(): Promise<void> {
    const { folder, books } = this.#options;
    const entries = [...books.unsaved];
    const keepers = books.keepersUnsaved ? books.keepersState() : undefined;
    books.unsaved.clear();
    books.keepersUnsaved = false;
    try {
      while (entries.length > 0) {
        const slice = entries.slice(-ACCOUNTS_PER_APPEND);
        // One deleted meanwhile must not follow its deletion into the journal.
        const present = slice.filter((entry) => this.#isPresent(entry));
        await folder.append(
          present.map((entry) => books.accountOf(entry)),
          undefined,
        );
        for (const entry of present) this.#journaled.add(entry);
        entries.length -= slice.length;
      }
      // Behind the accounts: a keeper's record must never be newer than its baselines.
      if (keepers) await folder.append([], keepers);
      await folder.sync();
    } catch (error) {
      for (const entry of entries) if (this.#isPresent(entry)) books.unsaved.add(entry);
      books.keepersUnsaved ||= keepers !== undefined;
      throw error;
    }
  }

  #isPresent(entry: Entry): boolean {
    return this.#options.books.accounts.get(entry.standing.name) === entry;
  }

  /** Like `flush`, but a refusal is reported and retried instead of thrown. */
  async tryFlush(): Promise<void> {
    try {
      await this.flush();
      if (this.#journalTrouble !== undefined) {
        this.#journalTrouble = undefined;
        this.#recovered();
      }
    } catch (error) {
      this.#refused(error);
    }
  }

  /** Saves one account's file durably. @throws {Error} when the disk refuses: the change must not be carried out then. */
  async saveNow(account: Account): Promise<void> {
    try {
      await this.#options.folder.saveAccount(account);
    } catch (error) {
      throw new Error(`Cannot save the account of "${account.name}": ${reasonOf(error)}`, { cause: error });
    }
  }

  /** After a keeper's first look: its baselines before its record, or a crash between would book them whole. */
  async saveFirstLook(): Promise<void> {
    const keepers = this.#options.books.keepersState();
    try {
      await this.flush();
      await this.#options.folder.saveKeepers(keepers);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** Everything, at shutdown: journal, then every file that is behind. */
  async saveAll(): Promise<void> {
    const { folder, books } = this.#options;
    await this.tryFlush();
    try {
      for (const entry of [...books.behind]) this.#refresh(entry);
      await folder.saveKeepers(books.keepersState());
    } catch (error) {
      this.#refused(error);
    }
  }

  #flushDue(): MonotonicTime {
    const { books, flush } = this.#options;
    const something = books.unsaved.size > 0 || books.keepersUnsaved;
    return monotonicTime(something ? this.#flushedAt + flush : Number.POSITIVE_INFINITY);
  }

  async #flushJob(tick: MonotonicTime): Promise<void> {
    this.#flushedAt = tick;
    await this.tryFlush();
    await this.#options.events.flush();
    if (this.trouble === undefined) await this.#shorten();
  }

  async #shorten(): Promise<void> {
    const { folder, books } = this.#options;
    if (folder.journalLength < Math.max(LONG_JOURNAL, 2 * this.#rewrittenLength)) return;
    const accounts = [...this.#journaled]
      .filter((entry) => this.#isPresent(entry))
      .map((entry) => books.accountOf(entry));
    try {
      await folder.compact(accounts, books.keepersState());
    } catch (error) {
      this.#refused(error); // the long journal is still a good one
    }
    this.#rewrittenLength = folder.journalLength; // refused, it is tried again when twice as long
  }

  #sliceDue(): MonotonicTime {
    if (this.#round.length > 0) return monotonicTime(this.#sliceAt + SLICE_MS);
    const waiting = this.#options.books.behind.size > 0;
    return monotonicTime(waiting ? this.#roundAt + this.#options.usageFiles : Number.POSITIVE_INFINITY);
  }

  #filesJob(tick: MonotonicTime): void {
    const { books } = this.#options;
    this.#sliceAt = tick;
    if (this.#round.length === 0) {
      this.#round = [...books.behind];
      this.#roundAt = tick;
    }
    if (this.#journalTrouble !== undefined) return; // no room: the journal speaks first
    for (const entry of this.#round.splice(0, FILES_PER_SLICE)) {
      if (!books.behind.has(entry)) continue;
      try {
        this.#refresh(entry);
      } catch (error) {
        this.#refusedFiles.add(entry);
        this.#fileRefused(error);
        return;
      }
    }
    for (const entry of this.#refusedFiles) if (!books.behind.has(entry)) this.#refusedFiles.delete(entry);
    if (this.#fileTrouble !== undefined && this.#refusedFiles.size === 0) {
      this.#fileTrouble = undefined;
      this.#recovered();
    }
  }

  #refresh(entry: Entry): void {
    const { folder, books } = this.#options;
    folder.refreshFile(books.accountOf(entry));
    books.behind.delete(entry);
  }

  #refused(error: unknown): void {
    this.#announce(error);
    this.#journalTrouble = reasonOf(error);
    this.#options.books.keepersUnsaved = true; // keeps the journal job due, so that it tries again
  }

  #fileRefused(error: unknown): void {
    this.#announce(error);
    this.#fileTrouble = reasonOf(error);
  }

  /** An outage is one event, whatever else it takes with it. */
  #announce(error: unknown): void {
    if (this.trouble !== undefined) return;
    const full = codeOf(error) === "ENOSPC" ? "the disk is full" : reasonOf(error);
    this.#options.events.record(
      "save-failed",
      `Cannot save usage: ${full}; cuts go on, what is unsaved is kept and saved when there is room`,
      { code: codeOf(error) },
      "error",
    );
  }

  #recovered(): void {
    if (this.trouble !== undefined) return;
    this.#options.events.record("saved-again", "Usage is saved again: nothing was lost");
  }
}
