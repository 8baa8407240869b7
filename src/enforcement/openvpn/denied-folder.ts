/**
 * The folder that OpenVPN's connect hook looks into: a file for each user who is
 * denied, named as his account's file is, and a mark for each server whose cut
 * users wait behind shut gates.
 *
 * The hook runs as the server's user, in the middle of the server's work: it
 * only asks whether a file is there, so others may pass through the folder and
 * read no list of it. Every change is one file that is there or is not.
 *
 * The folder lies in memory (/run): plain calls, since a cut waits for them.
 */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../errors.ts";
import { fileNameOf, type UserName } from "../../names.ts";

const FOLDER_MODE = 0o711;
/** Why somebody is denied is his own business. */
const USER_MODE = 0o600;
/** The hook reads it, as whoever it runs. */
const MARK_MODE = 0o644;
/** No encoded name begins with a dot. */
const MARK = ".waiting-";
const UNFINISHED = ".new-";
/** As the settings take them. */
const SERVER_NAME = /^[\w.@-]{1,64}$/;

export class DeniedFolder {
  readonly #directory: string;

  /** It is made when it is first needed. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Makes it hold exactly these, with a short text why. It is there then, if only empty.
   *
   * @returns those whose names no file can have, and why: the hook knows nothing of them.
   */
  set(users: ReadonlyMap<UserName, string>): ReadonlyMap<UserName, string> {
    const refused = new Map<UserName, string>();
    const files = new Set<string>();
    this.#make();
    const there = new Set(readdirSync(this.#directory));
    for (const [user, reason] of users) {
      try {
        const file = fileNameOf(user);
        files.add(file); // whatever a full disk says now, one that is there stays
        if (!there.has(file)) this.#write(file, reason);
      } catch (error) {
        refused.set(user, reasonOf(error));
      }
    }
    for (const file of there) {
      if (!files.has(file) && !file.startsWith(MARK)) rmSync(join(this.#directory, file), { force: true });
    }
    return refused;
  }

  /** @throws {RangeError} for a name that is too long for a file, or the system's error. */
  add(user: UserName, reason: string): void {
    this.#write(fileNameOf(user), reason);
  }

  /** Nothing where he is not denied. */
  remove(user: UserName): void {
    const path = this.#pathOf(user);
    if (path !== undefined) rmSync(path, { force: true });
  }

  /** As the hook would find it now. */
  has(user: UserName): boolean {
    const path = this.#pathOf(user);
    return path !== undefined && statSync(path, { throwIfNoEntry: false }) !== undefined;
  }

  /**
   * Says that this process stands between a server's denied users and their
   * traffic, or does no more. The hook believes it as long as the process lives.
   *
   * @param server its name in the settings.
   */
  waiting(server: string, on: boolean): void {
    if (!SERVER_NAME.test(server))
      throw new RangeError(`Cannot mark the server "${server}": expected its name`);
    if (on) this.#put(`${MARK}${server}`, `${process.pid}\n`, MARK_MODE);
    else rmSync(join(this.#directory, `${MARK}${server}`), { force: true });
  }

  #pathOf(user: UserName): string | undefined {
    try {
      return join(this.#directory, fileNameOf(user));
    } catch {
      return undefined; // too long: he never got a file
    }
  }

  #write(file: string, reason: string): void {
    this.#put(file, `${reason}\n`, USER_MODE);
  }

  #make(): void {
    if (mkdirSync(this.#directory, { recursive: true, mode: FOLDER_MODE }) !== undefined) {
      chmodSync(this.#directory, FOLDER_MODE); // whatever the umask was
    }
  }

  #put(file: string, text: string, mode: number): void {
    this.#make();
    const unfinished = join(this.#directory, `${UNFINISHED}${file}`);
    rmSync(unfinished, { force: true });
    writeFileSync(unfinished, text, { mode, flag: "wx" });
    chmodSync(unfinished, mode);
    renameSync(unfinished, join(this.#directory, file));
  }
}
