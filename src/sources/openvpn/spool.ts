/**
 * The folder in which our hooks leave the last figures of logins.
 *
 * It belongs to the user that the server runs as, who may be anybody's: so no
 * link is followed, no pipe waited for, nothing large read, and what is no such
 * file is moved aside and kept, for an operator to look at.
 */
import { constants } from "node:fs";
import { lstat, open, opendir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import { reasonOf, unlessMissing } from "../../errors.ts";
import { milliseconds, unixTime } from "../../units.ts";
import type { FinalFigures } from "./final-figures.ts";
import { parseFinal, UnfinishedFinalError } from "./final-format.ts";

const LARGEST_FILE = 8192;
/** In one look; the others come with the next ones. */
const MOST_FILES = 10_000;
const MOST_REFUSED = 100;
const REFUSED = ".refused";
/** Hooks write in milliseconds: one that takes longer was ended. */
const LONGEST_WRITE = milliseconds(60_000);
/** The login's beginning, the server's process, the hook's, the client's port. */
const NAME = /^\d{1,12}\.\d{1,10}\.\d{1,10}\.\d{1,5}$/;

export interface SpoolOptions {
  readonly directory: string;
  /** Who may have written: the server's user, and root. */
  readonly owners: ReadonlySet<number>;
  readonly clock: Clock;
}

export interface SpoolLook {
  readonly finals: readonly FinalFigures[];
  /** Moved aside. */
  readonly refused: readonly { readonly file: string; readonly why: string }[];
}

export class Spool {
  readonly #options: SpoolOptions;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /**
   * Reads what is there. The same files are read again until they are removed.
   *
   * @throws when the folder cannot be read; one that is not there is empty.
   */
  async look(): Promise<SpoolLook> {
    const finals: FinalFigures[] = [];
    const refused: { file: string; why: string }[] = [];
    const aside: string[] = [];
    for (const file of await this.#files()) {
      if (file.endsWith(REFUSED)) {
        aside.push(file);
        continue;
      }
      try {
        const final = await this.#read(file);
        if (final) finals.push(final);
      } catch (error) {
        refused.push({ file, why: reasonOf(error) });
        if (await this.#refuse(file)) aside.push(file + REFUSED);
      }
    }
    for (const file of aside.toSorted().slice(0, -MOST_REFUSED)) await this.#discard(file);
    return { finals, refused };
  }

  /** @param file as the figures name it. */
  async remove(file: string): Promise<void> {
    await rm(join(this.#options.directory, file), { force: true });
  }

  /** A folder goes if it is empty: what is in it may be exchanged while it is gone through. */
  async #discard(file: string): Promise<void> {
    await this.remove(file).catch(() => rmdir(join(this.#options.directory, file)).catch(() => undefined));
  }

  /** Names of files in the folder, at most so many. */
  async #files(): Promise<string[]> {
    const files: string[] = [];
    const folder = await unlessMissing(opendir(this.#options.directory));
    if (!folder) return files;
    for await (const { name } of folder) {
      files.push(name);
      if (files.length >= MOST_FILES) break;
    }
    return files;
  }

  /** @returns undefined for one that is being written, or went meanwhile. @throws with the reason for which it is refused. */
  async #read(name: string): Promise<FinalFigures | undefined> {
    const { directory, owners, clock } = this.#options;
    if (!NAME.test(name)) throw new Error("its name is none that a hook gives");
    const path = join(directory, name);
    const found = await unlessMissing(lstat(path));
    if (!found) return undefined;
    if (!found.isFile()) throw new Error("it is no regular file");
    // Between the look and the opening it may have been exchanged.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const opened = await unlessMissing(open(path, flags));
    if (!opened) return undefined;
    await using file = opened;
    const stat = await file.stat();
    if (!stat.isFile() || stat.nlink !== 1) throw new Error("it is no regular file of one name");
    if (!owners.has(stat.uid)) throw new Error(`it belongs to user ${stat.uid}, who is not the server's`);
    if (stat.size > LARGEST_FILE)
      throw new Error(`it has ${stat.size} bytes, at most ${LARGEST_FILE} are read`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(LARGEST_FILE), 0, LARGEST_FILE, 0);
    try {
      return parseFinal(buffer.toString("utf8", 0, bytesRead), name, unixTime(stat.mtimeMs));
    } catch (error) {
      const age = clock.unix() - stat.mtimeMs;
      if (error instanceof UnfinishedFinalError && age < LONGEST_WRITE) return undefined;
      throw error;
    }
  }

  /** @returns whether it is moved aside. */
  async #refuse(file: string): Promise<boolean> {
    const { directory } = this.#options;
    try {
      await rename(join(directory, file), join(directory, file + REFUSED));
      return true;
    } catch {
      await this.#discard(file); // its name is too long for an ending, or taken: nobody needs it
      return false;
    }
  }
}
