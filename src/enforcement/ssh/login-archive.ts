/**
 * Keeps what a deletion takes away: /etc/myvpn/deleted/NAME-TIME/.
 *
 * Secrets lie in it (the hash of his password), so it is root's alone. Each
 * thing is written once: a deletion that was cut off and runs again finds the
 * first, true copy and leaves it.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../../errors.ts";

export class LoginArchive {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  open(): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
  }

  /** @throws the system's error; then nothing may be taken away. */
  async keepText(name: string, text: string): Promise<void> {
    const path = join(this.#folder, name);
    if (existsSync(path)) return;
    const handle = await open(`${path}.part`, "w", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    renameSync(`${path}.part`, path);
  }

  /** Copies a file that is about to be removed. Nothing when it is not there. */
  async keepFile(name: string, source: string): Promise<void> {
    const path = join(this.#folder, name);
    if (existsSync(path)) return;
    try {
      copyFileSync(source, `${path}.part`);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return;
      throw error;
    }
    const handle = await open(`${path}.part`, "r+");
    try {
      // A copy takes mode and owner along.
      await handle.chmod(0o600);
      await handle.chown(process.getuid?.() ?? 0, process.getgid?.() ?? 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
    renameSync(`${path}.part`, path);
  }

  /** Where a larger part is written by another program; the part is whole once it has its name. */
  pathOf(name: string): string {
    return join(this.#folder, name);
  }

  has(name: string): boolean {
    return existsSync(join(this.#folder, name));
  }

  /** The lines of a database that begin with `name:`. */
  linesOf(path: string, name: string): string {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => `${line}\n`)
      .join("");
  }

  /** Gives a finished part its name. */
  finish(part: string, name: string): void {
    renameSync(part, join(this.#folder, name));
  }

  /** Drops what an interrupted copy left. */
  discard(part: string): void {
    rmSync(part, { force: true });
  }
}
