/**
 * A small door to SQLite: statements kept ready, transactions, versions.
 *
 * Write-ahead logging, so that readers never wait for the writer, nor it for
 * them. A file of a newer version is refused and left alone; one that SQLite
 * calls damaged is its owner's to set aside (`isDamage`).
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { DamagedStateError } from "./errors.ts";

/** How long one of two writers waits for the other. */
const BUSY_MS = 5_000;
/** Pages of the log after which a commit does a checkpoint's work itself: more than come between two of upkeep's. */
const AUTOCHECKPOINT_PAGES = 4_000;
/** What the log shrinks to when it starts over. */
const JOURNAL_BYTES = 16 * 1024 * 1024;
/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const DAMAGE = [11, 26];
/** SQLITE_READONLY_DIRECTORY: a log would have to be made before the file is read. */
const NO_LOG = 1544;
const GROUP_READS = 0o040;
/** SQLITE_BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN: what passes once somebody makes room. */
const PASSING = [5, 6, 7, 8, 10, 13, 14];

/** What a file of ours holds, and who may look into it. */
export interface DatabaseKind {
  /** The step to version 1, to 2, ...: SQL, each applied once. */
  readonly steps: readonly string[];
  /** Permission bits of the file, and of its folder where that is made with it. */
  readonly mode: number;
  readonly directoryMode: number;
  /** The number of the group that may read it too; undefined, or without it, nobody. Asked of root alone: nobody else could give it away. */
  readonly readers?: () => number | undefined;
}

export class Db implements Disposable {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Opens the file to write, makes it if it is missing, and brings it to this version.
   *
   * @throws {DamagedStateError} for a newer version; SQLite's error for a file that it cannot use.
   */
  static openToWrite(path: string, kind: DatabaseKind): Db {
    makeFolder(dirname(path), kind.directoryMode);
    if (!existsSync(path)) {
      for (const sibling of ["-wal", "-shm"]) rmSync(path + sibling, { force: true }); // of a file that was removed: they would ruin the new
      closeSync(openSync(path, "a", kind.mode));
    }
    letRead(path, kind); // before it is opened: its log is made with the same rights
    const db = new Db(new DatabaseSync(path, { timeout: BUSY_MS }));
    try {
      // Has to stand before the first table is made.
      db.run("PRAGMA auto_vacuum = INCREMENTAL");
      db.run("PRAGMA journal_mode = WAL");
      db.run("PRAGMA synchronous = NORMAL");
      db.run(`PRAGMA wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES}`);
      db.run(`PRAGMA journal_size_limit = ${JOURNAL_BYTES}`);
      db.#migrate(path, kind.steps);
      return db;
    } catch (error) {
      db[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Opens the file to read, whoever writes it.
   *
   * Who may not write in the folder reads through the log of whoever writes. Where
   * nobody does there is no log, and the file is taken as it lies: whoever reads
   * so does it soon after opening, and opens it again the next time.
   *
   * @throws {DamagedStateError} unless it is of this version.
   */
  static openToRead(path: string, kind: DatabaseKind): Db {
    try {
      return Db.#openToRead(path, path, kind);
    } catch (error) {
      if ((error as { readonly errcode?: unknown }).errcode !== NO_LOG) throw error;
      const url = pathToFileURL(path);
      url.searchParams.set("immutable", "1");
      return Db.#openToRead(path, url, kind);
    }
  }

  static #openToRead(path: string, file: string | URL, { steps }: DatabaseKind): Db {
    const db = new Db(new DatabaseSync(file, { readOnly: true, timeout: BUSY_MS }));
    try {
      const version = db.version();
      if (version !== steps.length) throw new DamagedStateError(path, versionText(version, steps.length));
      return db;
    } catch (error) {
      db[Symbol.dispose]();
      throw error;
    }
  }

  version(): number {
    return Number(this.get("PRAGMA user_version")?.["user_version"]);
  }

  /** @returns how many rows changed. */
  run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  get(sql: string, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  all(sql: string, ...values: readonly SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values);
  }

  /** All of `work`, or nothing of it. */
  transaction<Result>(work: () => Result): Result {
    this.run("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.run("COMMIT");
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.run("ROLLBACK");
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#database.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #migrate(path: string, steps: readonly string[]): void {
    if (this.version() === steps.length) return;
    this.transaction(() => {
      const version = this.version();
      if (version > steps.length) throw new DamagedStateError(path, versionText(version, steps.length));
      for (const step of steps.slice(version)) this.#database.exec(step);
      this.#database.exec(`PRAGMA user_version = ${steps.length}`);
    });
  }
}

export type Row = Record<string, unknown>;

/** Whether SQLite says that the file itself is at fault. */
export function isDamage(error: unknown): boolean {
  return DAMAGE.includes(primaryCode(error));
}

/** Whether the same may work later: the disk was full, somebody else was writing. */
export function isPassing(error: unknown): boolean {
  return PASSING.includes(primaryCode(error));
}

/** Puts a damaged file out of the way, with what belongs to it. @returns where it is now. */
export function setAside(path: string, now: number): string {
  const kept = `${path}.corrupt-${now}`;
  for (const sibling of ["", "-wal", "-shm"]) {
    if (existsSync(path + sibling)) renameSync(path + sibling, kept + sibling);
  }
  return kept;
}

/** The low byte of SQLite's code tells the kind; the rest, where it came up. */
function primaryCode(error: unknown): number {
  const { errcode } = error as { readonly errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : -1;
}

function versionText(version: number, expected: number): string {
  const whose = version > expected ? "made by a newer Sluice" : "the daemon brings it to this one";
  return `expected version ${expected}, got ${version} (${whose})`;
}

/** Makes a folder that is missing, and those it is in, with this mode: the daemon's umask would shut readers out. */
function makeFolder(folder: string, mode: number): void {
  const first = mkdirSync(folder, { recursive: true, mode });
  if (first === undefined) return;
  for (let each = resolve(folder); each.length >= resolve(first).length; each = dirname(each))
    chmodSync(each, mode);
}

/** Gives a database and its log to a group to read, or to nobody but its owner. */
function letRead(path: string, { mode, readers }: DatabaseKind): void {
  const group = process.getuid?.() === 0 ? readers?.() : undefined;
  for (const each of [path, `${path}-wal`, `${path}-shm`].filter((file) => existsSync(file))) {
    const { uid, gid } = statSync(each);
    if (group !== undefined && gid !== group) chownSync(each, uid, group);
    chmodSync(each, group === undefined ? mode : mode | GROUP_READS);
  }
}
