/**
 * `/etc/myvpn/usage/`: one JSON file per account, `keepers.json`, the journal.
 *
 * What people decide (limits, resets, verdicts) is written to the account's
 * file at once, file and folder synced. What traffic adds goes to the journal;
 * the files follow. At start files and journal are merged, the higher sequence
 * winning. A file that does not parse is renamed and reported, never replaced
 * by a fresh account; the good copy kept beside it, and the journal, rebuild it.
 */
import { link, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, DamagedStateError, reasonOf } from "../errors.ts";
import type { Account } from "../ledger/account.ts";
import type { KeeperRecord } from "../ledger/keeper.ts";
import { fileNameOf, type UserName } from "../names.ts";
import type { UnixTime } from "../units.ts";
import { ACCOUNT_VERSION, accountDocument, accountOf } from "./account-format.ts";
import { type FileOwner, syncFolder, writeDurably, writeWhole } from "./durable-write.ts";
import { Journal, type JournalEntry, readJournal } from "./journal.ts";
import { keepersDocument, keepersOf } from "./keepers-format.ts";

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
  /** File names (as `fileNameOf` writes them) whose state exists and cannot be used: book nothing, create nothing. */
  readonly unusable: ReadonlyMap<string, string>;
  /** What was found damaged, for events: repaired from a copy or left unusable. */
  readonly damage: readonly { readonly path: string; readonly reason: string; readonly repaired: boolean }[];
  readonly tornLines: number;
}

const KEEPERS_FILE = "keepers.json";
const JOURNAL_FILE = ".journal";
const DIRECTORY_MODE = 0o750;

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
    return join(this.#options.directory, `${fileNameOf(user)}.json`);
  }

  /**
   * Reads everything. Removes temporary files a crash left.
   *
   * @throws {DamagedStateError} when `keepers.json` does not parse: without it
   * a known counter would look new. The system's error when a file cannot be read.
   */
  async load(now: UnixTime): Promise<LoadedState> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    const names = await readdir(directory);
    const accounts = new Map<UserName, Account>();
    const unusable = new Map<string, string>();
    const damage: { path: string; reason: string; repaired: boolean }[] = [];

    for (const name of names) {
      if (/\.json\.\d+$/.test(name) || /^\.journal\.\d+$/.test(name)) await rm(join(directory, name));
      const corrupt = /^(.+)\.json\.corrupt-\d+$/.exec(name)?.[1];
      if (corrupt !== undefined) unusable.set(corrupt, `its file was damaged and is kept as "${name}"`);
    }
    for (const name of names.filter((each) => each.endsWith(".json") && each !== KEEPERS_FILE)) {
      const base = name.slice(0, -".json".length);
      const path = join(directory, name);
      try {
        const account = checkedName(base, accountOf(JSON.parse(await readFile(path, "utf8"))));
        accounts.set(account.name, account);
        unusable.delete(base);
      } catch (error) {
        const reason = reasonOf(error);
        unusable.set(base, reason);
        if (isNewer(reason)) {
          damage.push({ path, reason, repaired: false });
          continue;
        }
        await rename(path, `${path}.corrupt-${now}`);
        const previous = await this.#previousCopy(base, path);
        if (previous) accounts.set(previous.name, previous);
        damage.push({ path, reason, repaired: previous !== undefined });
      }
    }

    const stored = await this.#loadKeepers();
    const replay = await readJournal(join(directory, JOURNAL_FILE));
    const { keepers, keepersSequence } = replayOver(accounts, stored, replay.entries);
    for (const account of accounts.values()) {
      const base = fileNameOf(account.name);
      if (unusable.delete(base)) {
        const entry = damage.find(({ path }) => path === this.pathOf(account.name));
        if (entry) entry.repaired = true;
      }
    }
    return { accounts, keepers, keepersSequence, unusable, damage, tornLines: replay.torn };
  }

  /** Saves what may not be taken back: the account's file and its name are on the disk when this resolves. */
  async saveAccount(account: Account): Promise<void> {
    const path = this.pathOf(account.name);
    await rm(`${path}.previous`, { force: true });
    await link(path, `${path}.previous`).catch((error: unknown) => {
      if (codeOf(error) !== "ENOENT") throw error; // the first save has nothing to keep
    });
    await writeDurably(path, fileText(account), this.#options.fileMode, this.#options.owner);
  }

  /** Brings the account's file up to date with what the journal holds already. */
  refreshFile(account: Account): void {
    writeWhole(this.pathOf(account.name), fileText(account), this.#options.fileMode, this.#options.owner);
  }

  async saveKeepers(keepers: Iterable<KeeperRecord>, sequence: number): Promise<void> {
    const text = `${JSON.stringify(keepersDocument(keepers, sequence), null, 2)}\n`;
    const path = join(this.#options.directory, KEEPERS_FILE);
    await writeDurably(path, text, this.#options.fileMode, this.#options.owner);
  }

  /** Removes the account's files for good. Its counters' baselines must have been retired and saved before. */
  async deleteAccount(name: UserName, sequence: number): Promise<void> {
    await this.#queued(() => this.#journal.append([{ deleted: name, sequence }]));
    await this.#queued(() => this.#journal.sync());
    const path = this.pathOf(name);
    await rm(path, { force: true });
    await rm(`${path}.previous`, { force: true });
    await syncFolder(this.#options.directory);
  }

  /** Appends the accounts' present state, keepers first: an account's baseline never precedes its epoch. */
  append(
    accounts: readonly Account[],
    keepers: { all: Iterable<KeeperRecord>; sequence: number },
  ): Promise<void> {
    return this.#queued(() => this.#journal.append(journalEntries(accounts, keepers)));
  }

  sync(): Promise<void> {
    return this.#queued(() => this.#journal.sync());
  }

  /** Shortens the journal to these accounts: all whose file is behind. */
  compact(
    accounts: readonly Account[],
    keepers: { all: Iterable<KeeperRecord>; sequence: number },
  ): Promise<void> {
    return this.#queued(() => this.#journal.rewrite(journalEntries(accounts, keepers)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queued(() => this.#journal[Symbol.asyncDispose]());
  }

  #queued<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined); // each caller hears of its own failure
    return result;
  }

  async #previousCopy(base: string, path: string): Promise<Account | undefined> {
    try {
      return checkedName(base, accountOf(JSON.parse(await readFile(`${path}.previous`, "utf8"))));
    } catch {
      return undefined; // no copy, or one as damaged: the caller reports the account as unusable
    }
  }

  async #loadKeepers(): Promise<{ sequence: number; keepers: Map<string, KeeperRecord> }> {
    const path = join(this.#options.directory, KEEPERS_FILE);
    let text: string;
    try {
      text = await readFile(path, "utf8");
    } catch (error) {
      if (codeOf(error) === "ENOENT") return { sequence: 0, keepers: new Map() };
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

function checkedName(base: string, account: Account): Account {
  const expected = fileNameOf(account.name);
  if (expected !== base)
    throw new RangeError(`username: expected the user of "${base}.json", got "${account.name}"`);
  return account;
}

function isNewer(reason: string): boolean {
  return reason.startsWith(`version: expected ${ACCOUNT_VERSION} or lower`);
}

function journalEntries(
  accounts: readonly Account[],
  keepers: { all: Iterable<KeeperRecord>; sequence: number },
): JournalEntry[] {
  return [
    { keepers: keepersDocument(keepers.all, keepers.sequence) },
    ...accounts.map((account) => ({ account: accountDocument(account) })),
  ];
}

/** Lays the journal over what the files said; per account and for the keepers the higher sequence wins. */
function replayOver(
  accounts: Map<UserName, Account>,
  stored: { sequence: number; keepers: Map<string, KeeperRecord> },
  entries: readonly JournalEntry[],
): { keepers: Map<string, KeeperRecord>; keepersSequence: number } {
  let { keepers, sequence } = stored;
  for (const entry of entries) {
    if ("account" in entry) {
      const account = accountOf(entry.account);
      if (account.sequence > (accounts.get(account.name)?.sequence ?? -1))
        accounts.set(account.name, account);
    } else if ("deleted" in entry) {
      const account = accounts.get(entry.deleted as UserName);
      if (account && account.sequence <= entry.sequence) accounts.delete(account.name);
    } else {
      const found = keepersOf(entry.keepers);
      if (found.sequence > sequence) ({ keepers, sequence } = found);
    }
  }
  return { keepers, keepersSequence: sequence };
}
