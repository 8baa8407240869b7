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
 * Account files follow the journal a few at a time: 25 a second at 0.3 ms each
 * stay below 1 % of a core, so beyond 250 moving accounts they take longer than
 * `usage_files_ms` to come round.
 */
const FILES_PER_SLICE = 5;
const SLICE_MS = 200;

export class Saver {
  readonly #options: SaverOptions;
  #flushedAt = monotonicTime(0);
  #round: Entry[] = [];
  #roundAt = monotonicTime(0);
  #sliceAt = monotonicTime(0);
  #rewrittenLength = 0;
  #journaled = new Set<Entry>();
  /** Why the disk refused, while it does. */
  trouble: string | undefined;

  constructor(options: SaverOptions) {
    this.#options = options;
    // What the journal said at start may not be in the files yet.
    for (const entry of options.books.accounts.values()) this.#journaled.add(entry);
  }

  get jobs(): readonly Job[] {
    return [
      { name: "journal", dueAt: () => this.#flushDue(), run: (tick) => this.#flushJob(tick) },
      { name: "usage files", dueAt: () => this.#sliceDue(), run: (tick) => this.#filesJob(tick) },
    ];
  }

  /** Appends and syncs everything unsaved. @throws the system's error; what was unsaved still is. */
  async flush(): Promise<void> {
    const { folder, books } = this.#options;
    const entries = [...books.unsaved];
    const keepers = { all: books.keepers.values(), sequence: books.keepersSequence };
    if (entries.length === 0 && !books.keepersUnsaved) return folder.sync();
    books.unsaved.clear();
    books.keepersUnsaved = false;
    try {
      const accounts = entries.map((entry) => books.accountOf(entry));
      await folder.append(accounts, keepers);
      await folder.sync();
      for (const entry of entries) this.#journaled.add(entry);
    } catch (error) {
      for (const entry of entries) if (books.accounts.has(entry.standing.name)) books.unsaved.add(entry);
      books.keepersUnsaved = true;
      throw error;
    }
  }

  /** Like `flush`, but a refusal is reported and retried instead of thrown. */
  async tryFlush(): Promise<void> {
    try {
      await this.flush();
      this.#recovered();
    } catch (error) {
      this.#refused(error);
    }
  }

  /** Saves one account's file durably. @throws the system's error: the change must not be carried out then. */
  async saveNow(account: Account): Promise<void> {
    await this.#options.folder.saveAccount(account);
  }

  /** After a keeper's first look: its baselines before its record, or a crash between would book them whole. */
  async saveFirstLook(): Promise<void> {
    const { folder, books } = this.#options;
    try {
      await this.flush();
      await folder.saveKeepers(books.keepers.values(), books.keepersSequence);
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
      await folder.saveKeepers(books.keepers.values(), books.keepersSequence);
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
      .filter((entry) => books.accounts.get(entry.standing.name) === entry)
      .map((entry) => books.accountOf(entry));
    try {
      await folder.compact(accounts, { all: books.keepers.values(), sequence: books.keepersSequence });
      this.#rewrittenLength = folder.journalLength;
    } catch (error) {
      this.#refused(error); // the long journal is still a good one
    }
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
    if (this.trouble !== undefined) return; // no room: the journal speaks first
    for (const entry of this.#round.splice(0, FILES_PER_SLICE)) {
      if (!books.behind.has(entry)) continue;
      try {
        this.#refresh(entry);
      } catch (error) {
        this.#refused(error);
        return;
      }
    }
  }

  #refresh(entry: Entry): void {
    const { folder, books } = this.#options;
    folder.refreshFile(books.accountOf(entry));
    books.behind.delete(entry);
  }

  #refused(error: unknown): void {
    if (this.trouble === undefined) {
      const full = codeOf(error) === "ENOSPC" ? "the disk is full" : reasonOf(error);
      this.#options.events.record(
        "save-failed",
        `Cannot save usage: ${full}; cuts go on, what is unsaved is kept and saved when there is room`,
        { code: codeOf(error) },
        "error",
      );
    }
    this.trouble = reasonOf(error);
    this.#options.books.keepersUnsaved = true; // keeps the journal job due, so that it tries again
  }

  #recovered(): void {
    if (this.trouble === undefined) return;
    this.trouble = undefined;
    this.#options.events.record("saved-again", "Usage is saved again: nothing was lost");
  }
}
