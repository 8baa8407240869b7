/**
 * `/etc/myvpn/usage/`: one JSON file per account, `keepers.json`, the journal.
 *
 * What people decide (limits, resets, verdicts) is written to the account's
 * file at once, file and folder synced. What traffic adds goes to the journal;
 * the files follow. At start files and journal are merged, the higher sequence
 * winning. A file that does not parse is renamed and reported, never replaced
 * by a fresh account; the good copy kept beside it, and the journal, rebuild it.
 */
import { link, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, DamagedStateError, reasonOf } from "../errors.ts";
import type { Account } from "../ledger/account.ts";
import type { KeeperRecord } from "../ledger/keeper.ts";
import type { UserName } from "../names.ts";
import type { UnixTime } from "../units.ts";
import { baseOf, type Damage, KEEPERS_FILE, plainName, readAccountFiles } from "./account-files.ts";
import { accountDocument } from "./account-format.ts";
import { type FileOwner, syncFolder, writeDurably, writeWhole } from "./durable-write.ts";
import { Journal, type JournalEntry, readJournal } from "./journal.ts";
import { type KeepersState, keepersDocument, keepersOf } from "./keepers-format.ts";
import { replayOver } from "./replay.ts";

export interface StateFolderOptions {
  /** The `usage` folder itself. */
  readonly directory: string;
  readonly fileMode: number;
  readonly owner: FileOwner | undefined;
}

export interface LoadedState {
  readonly accounts: ReadonlyMap<UserName, Account>;
  readonly keepers: ReadonlyMap<string, KeeperRecord>;
  readonly keepersSequence: number;
  readonly lastKernelNumber: number;
  /** File names (as `fileNameOf` writes them) whose state exists and cannot be used: book nothing, create nothing. */
  readonly unusable: ReadonlyMap<string, string>;
  /** What was found damaged, for events: repaired from a copy or left unusable. */
  readonly damage: readonly Damage[];
  /** Files of the shell scripts that were set aside, under their new names. */
  readonly legacy: readonly string[];
  readonly tornLines: number;
}

const JOURNAL_FILE = ".journal";
const DIRECTORY_MODE = 0o750;
const NO_KEEPERS: KeepersState = { sequence: 0, lastKernelNumber: 0, keepers: new Map() };

export class StateFolder implements AsyncDisposable {
  readonly #options: StateFolderOptions;
  readonly #journal: Journal;
  /** Journal calls follow each other in the order they were made. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: StateFolderOptions) {
    this.#options = options;
    this.#journal = new Journal(join(options.directory, JOURNAL_FILE), options.fileMode, options.owner);
  }

  /** Bytes in the journal. */
  get journalLength(): number {
    return this.#journal.length;
  }

  pathOf(user: UserName): string {
    return join(this.#options.directory, `${baseOf(user)}.json`);
  }

  /**
   * Reads everything. Removes temporary files a crash left, and finishes
   * deletions it cut off.
   *
   * @throws {DamagedStateError} when `keepers.json` does not parse: without it
   * a known counter would look new; or when the journal is of a newer version.
   * The system's error when a file cannot be read.
   */
  async load(now: UnixTime): Promise<LoadedState> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    const { accounts, unusable, newer, damage, legacy } = await readAccountFiles(directory, now);
    const stored = await this.#loadKeepers();
    const journal = join(directory, JOURNAL_FILE);
    const replay = await readJournal(journal);
    const { keepers, deleted } = replayOver(journal, accounts, stored, replay.entries);
    for (const account of accounts.values()) {
      const base = baseOf(account.name);
      if (newer.has(base)) accounts.delete(account.name);
      else if (unusable.delete(base)) {
        const entry = damage.find(({ path }) => path === this.pathOf(account.name));
        if (entry) entry.repaired = true;
      }
    }
    if (deleted.size > 0) {
      for (const name of deleted) {
        if (!accounts.has(name) && !newer.has(baseOf(name))) await this.#removeFiles(name);
      }
      // A disk without room for it keeps the longer journal, which says the same.
      await this.compact([...accounts.values()], keepers).catch(() => undefined);
    }
    return {
      accounts,
      keepers: keepers.keepers,
      keepersSequence: keepers.sequence,
      lastKernelNumber: keepers.lastKernelNumber,
      unusable: new Map([...unusable].map(([base, why]) => [plainName(base), why])),
      damage,
      legacy,
      tornLines: replay.torn,
    };
  }

  /** Saves what may not be taken back: the account's file and its name are on the disk when this resolves. */
  async saveAccount(account: Account): Promise<void> {
    const text = fileText(account); // before the first wait, in which its counters may move on
    const path = this.pathOf(account.name);
    await rm(`${path}.previous`, { force: true });
    await link(path, `${path}.previous`).catch((error: unknown) => {
      if (codeOf(error) !== "ENOENT") throw error; // the first save has nothing to keep
    });
    await writeDurably(path, text, this.#options.fileMode, this.#options.owner);
  }

  /** Brings the account's file up to date with what the journal holds already. */
  refreshFile(account: Account): void {
    writeWhole(this.pathOf(account.name), fileText(account), this.#options.fileMode, this.#options.owner);
  }

  async saveKeepers(keepers: KeepersState): Promise<void> {
    const text = `${JSON.stringify(keepersDocument(keepers), null, 2)}\n`;
    const path = join(this.#options.directory, KEEPERS_FILE);
    await writeDurably(path, text, this.#options.fileMode, this.#options.owner);
  }

  /** Removes the account's files for good. Its counters' baselines must have been retired and saved before. */
  async deleteAccount(name: UserName, sequence: number): Promise<void> {
    await this.#queued(() => this.#journal.append([{ deleted: name, sequence }]));
    await this.#queued(() => this.#journal.sync());
    await this.#removeFiles(name);
  }

  /** Appends the state the accounts have at this call, and the keepers if given. */
  append(accounts: readonly Account[], keepers: KeepersState | undefined): Promise<void> {
    const entries = journalEntries(accounts, keepers);
    return this.#queued(() => this.#journal.append(entries));
  }

  sync(): Promise<void> {
    return this.#queued(() => this.#journal.sync());
  }

  /** Shortens the journal to these accounts: all whose file is behind. */
  compact(accounts: readonly Account[], keepers: KeepersState): Promise<void> {
    const entries = journalEntries(accounts, keepers);
    return this.#queued(() => this.#journal.rewrite(entries));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queued(() => this.#journal[Symbol.asyncDispose]());
  }

  #queued<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined); // each caller hears of its own failure
    return result;
  }

  async #removeFiles(name: UserName): Promise<void> {
    const path = this.pathOf(name);
    await rm(path, { force: true });
    await rm(`${path}.previous`, { force: true });
    await syncFolder(this.#options.directory);
  }

  async #loadKeepers(): Promise<KeepersState> {
    const path = join(this.#options.directory, KEEPERS_FILE);
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      if (codeOf(error) === "ENOENT") return NO_KEEPERS;
      throw error;
    }
    try {
      return keepersOf(JSON.parse(text));
    } catch (error) {
      throw new DamagedStateError(path, reasonOf(error), error);
    }
  }
}

function fileText(account: Account): string {
  return `${JSON.stringify(accountDocument(account), null, 2)}\n`;
}

/**
 * The accounts come before the keepers, so that a line torn off takes the later
 * truth with it: a keeper is never known without the baselines of its first look.
 */
function journalEntries(accounts: readonly Account[], keepers: KeepersState | undefined): JournalEntry[] {
  const entries: JournalEntry[] = accounts.map((account) => ({ account: accountDocument(account) }));
  if (keepers) entries.push({ keepers: keepersDocument(keepers) });
  return entries;
}
