/** Single changes to a root, each whole and with its way back on a stack. */
import {
  chmod,
  lstat,
  mkdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { codeOf } from "../../errors.ts";
import type { Found } from "./plan.ts";
import { isThere, sha256Of } from "./program-folder.ts";

const TEMPORARY = ".sluice-new";

export class Changes {
  readonly root: string;
  readonly #undo: AsyncDisposableStack;

  /** @param undo disposed of to take everything back. */
  constructor(root: string, undo: AsyncDisposableStack) {
    this.root = root;
    this.#undo = undo;
  }

  async makeFolder(path: string, mode: number): Promise<void> {
    const full = join(this.root, path);
    if (await isThere(full)) return;
    if (dirname(path) !== path) await this.makeFolder(dirname(path), 0o755);
    await mkdir(full);
    this.#undo.defer(() => rmdir(full));
    await chmod(full, mode);
  }

  async writeFile(path: string, text: string, mode: number): Promise<void> {
    const full = join(this.root, path);
    await this.makeFolder(dirname(path), 0o755);
    const before = await contentOf(full);
    const temporary = `${full}${TEMPORARY}`;
    try {
      await writeFile(temporary, text, { mode, flush: true });
      await chmod(temporary, mode);
      await rename(temporary, full);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    this.#undo.defer(async () => {
      if (before === undefined) return rm(full, { force: true });
      await writeFile(full, before.content);
      await chmod(full, before.mode);
    });
  }

  async link(path: string, target: string): Promise<void> {
    const full = join(this.root, path);
    await this.makeFolder(dirname(path), 0o755);
    const before = await linkedTo(full);
    if (before !== undefined) await rm(full);
    await symlink(target, full);
    this.#undo.defer(async () => {
      await rm(full, { force: true });
      if (before !== undefined) await symlink(before, full);
    });
  }

  async move(from: string, to: string): Promise<void> {
    const [source, target] = [join(this.root, from), join(this.root, to)];
    await rename(source, target);
    this.#undo.defer(() => rename(target, source));
  }

  async remove(path: string): Promise<void> {
    const full = join(this.root, path);
    const before = await look(full);
    const file = before.kind === "file" ? await contentOf(full) : undefined;
    await rm(full, { force: true });
    this.#undo.defer(async () => {
      if (before.kind === "link") return symlink(before.target, full);
      if (!file) return;
      await writeFile(full, file.content);
      await chmod(full, file.mode);
    });
  }
}

/** What stands at a path; devices and sockets count as files nobody wrote. */
export async function look(path: string): Promise<Found> {
  try {
    const status = await lstat(path);
    if (status.isSymbolicLink()) return { kind: "link", target: await readlink(path) };
    if (status.isDirectory()) return { kind: "folder" };
    const sha256 = status.isFile() ? sha256Of(await readFile(path)) : "";
    return { kind: "file", sha256, mode: status.mode & 0o7777 };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { kind: "nothing" };
    throw error;
  }
}

async function contentOf(path: string): Promise<{ content: Buffer; mode: number } | undefined> {
  if (!(await isThere(path))) return undefined;
  return { content: await readFile(path), mode: (await lstat(path)).mode & 0o7777 };
}

async function linkedTo(path: string): Promise<string | undefined> {
  return (await isThere(path)) ? readlink(path) : undefined;
}
