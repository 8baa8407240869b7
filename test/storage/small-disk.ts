/** A disk, of 64 KB if not told otherwise, that can be filled, for what happens when there is no room. Needs root and mount(8). */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const DISK_SIZE = 64 * 1024;

/** Why a test with a disk of its own cannot run here; undefined where it can. */
export const noSmallDisk: string | undefined = await (async () => {
  if (process.getuid?.() !== 0) return "needs root to mount a tmpfs";
  try {
    await using _disk = await smallDisk();
    return undefined;
  } catch (error) {
    return `needs a tmpfs that can be mounted (${(error as Error).message.split("\n")[0]})`;
  }
})();

/** @param size in bytes. */
export async function smallDisk(size = DISK_SIZE) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder.path], {
      stdio: "pipe",
    });
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
  const ballast = join(folder.path, "ballast");
  return {
    path: folder.path,
    /** Leaves no page free. What files have left of their last page stays theirs. */
    fill: () => {
      const file = openSync(ballast, "a");
      try {
        for (;;) writeSync(file, Buffer.alloc(4096));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      } finally {
        closeSync(file);
      }
    },
    makeRoom: () => rmSync(ballast, { force: true }),
    [Symbol.asyncDispose]: async () => {
      execFileSync("umount", ["-l", folder.path], { stdio: "pipe" });
      await folder[Symbol.asyncDispose]();
    },
  };
}
