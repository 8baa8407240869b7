/**
 * Keeps what a deletion takes away: /etc/myvpn/deleted/NAME-TIME/.
 *
 * Secrets lie in it (the hash of his password), so it is root's alone. What is
 * in it was on the disk before the original went, and is never written over: a
 * deletion that was cut off and runs again finds the first, true copy.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { codeOf } from "../../errors.ts";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const MOST_COPIES = 100;

export class LoginArchive {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws the system's error, as do all below: then nothing may be taken away. */
  async open(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true, mode: FOLDER_MODE });
    await sync(dirname(this.#folder));
  }

  has(name: string): boolean {
    return existsSync(join(this.#folder, name));
  }

  async keepText(name: string, text: string): Promise<void> {
    if (!this.has(name)) await this.#write(name, Buffer.from(text));
  }

  /** Copies a file that is about to be removed; beside an older one of that name, unless they are alike. */
  async keepFile(name: string, source: string): Promise<void> {
    const content = readFileSync(source);
    for (let copy = 1; copy <= MOST_COPIES; copy += 1) {
      const free = copy === 1 ? name : `${name}.${copy}`;
      const kept = this.#contentOf(free);
      if (kept?.equals(content)) return;
      if (kept === undefined) return this.#write(free, content);
    }
    throw new Error(`Cannot keep "${source}": the archive "${this.#folder}" has ${MOST_COPIES} others of it`);
  }

  /** Packs a folder, as far as it is on one file system, into NAME (.tar.gz). */
  async keepFolder(name: string, folder: string): Promise<void> {
    if (this.has(name)) return;
    const part = this.#partOf(name);
    rmSync(part, { force: true });
    const handle = await open(part, "wx", FILE_MODE); // tar would make it readable for all
    try {
      const args = [
        "--create",
        "--gzip",
        "--one-file-system",
        "--file",
        part,
        "--directory",
        dirname(folder),
      ];
      await promisify(execFile)("tar", [...args, "--", basename(folder)]);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await this.#finish(name);
  }

  async #write(name: string, content: Buffer): Promise<void> {
    const part = this.#partOf(name);
    rmSync(part, { force: true });
    const handle = await open(part, "wx", FILE_MODE);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await this.#finish(name);
  }

  /** Gives a whole part its name, for good. */
  async #finish(name: string): Promise<void> {
    renameSync(this.#partOf(name), join(this.#folder, name));
    await sync(this.#folder);
  }

  #partOf(name: string): string {
    return join(this.#folder, `${name}.part`);
  }

  #contentOf(name: string): Buffer | undefined {
    try {
      return readFileSync(join(this.#folder, name));
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }
}

/** Makes the names in a folder outlive a power cut. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
