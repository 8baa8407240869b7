/** Small disks of the test's own, which can be filled to the last byte and freed again. */
import { execFile } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { mkdtempDisposable, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { codeOf } from "../../src/errors.ts";

export interface SmallDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  /** Takes all room that is left. */
  fill(): void;
  /** Gives it back. */
  free(): void;
}

export type DiskKind = "tmpfs" | "ext4";

const SIZE = 4 * 1024 * 1024;
const run = promisify(execFile);

/** @throws when the kernel does not let it be mounted. */
export async function makeSmallDisk(kind: DiskKind): Promise<SmallDisk> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-disk-"));
  const path = join(folder.path, "mounted");
  await run("mkdir", [path]);
  if (kind === "tmpfs") {
    await run("mount", ["-t", "tmpfs", "-o", `size=${SIZE}`, "sluice-test", path]);
  } else {
    const image = join(folder.path, "image");
    await run("touch", [image]);
    await truncate(image, SIZE);
    await run("mkfs.ext4", ["-q", "-b", "4096", "-m", "0", image]);
    await run("mount", ["-o", "loop", image, path]);
  }
  const ballast = join(path, "ballast");
  return {
    path,
    fill: () => fillDisk(ballast),
    free: () => rmSync(ballast, { force: true }),
    [Symbol.asyncDispose]: async () => {
      await run("umount", [path]);
      await folder.remove();
    },
  };
}

/** Whether this kernel mounts it for us: "" or why not, for the test's name. */
export async function diskMissing(kind: DiskKind): Promise<string> {
  try {
    await using _disk = await makeSmallDisk(kind);
    return "";
  } catch (error) {
    return ` (needs: a mounted ${kind}: ${String((error as { stderr?: unknown }).stderr ?? error).trim()})`;
  }
}

function fillDisk(ballast: string): void {
  const file = openSync(ballast, "a");
  try {
    for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) {
      const chunk = Buffer.alloc(size);
      try {
        while (writeSync(file, chunk) === size);
      } catch (error) {
        if (codeOf(error) !== "ENOSPC") throw error;
      }
    }
  } finally {
    closeSync(file);
  }
}
