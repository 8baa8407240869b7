import { once } from "node:events";
import { mkdtempDisposable, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lockFile } from "../../src/kernel/file-lock.ts";
import { start } from "./loopback.ts";

const folder = () => mkdtempDisposable(join(tmpdir(), "sluice-lock-"));

describe("lockFile()", () => {
  test("keeps another process out until it is disposed of", async () => {
    await using directory = await folder();
    const path = join(directory.path, "lock");
    {
      using lock = lockFile(path);
      expect(lock).toBeDefined();
      await using other = start("hold-lock.ts", path);
      expect(await other.line()).toBe("taken");
    }
    await using other = start("hold-lock.ts", path);
    expect(await other.line()).toBe("held");
  });

  test("is freed by kill -9 of its holder", async () => {
    await using directory = await folder();
    const path = join(directory.path, "lock");
    await using holder = start("hold-lock.ts", path);
    expect(await holder.line()).toBe("held");
    expect(lockFile(path)).toBeUndefined();

    const ended = once(holder.child, "exit");
    holder.child.kill("SIGKILL");
    await ended;
    using lock = lockFile(path);
    expect(lock).toBeDefined();
  });

  test("makes the file for its owner alone, and holds it once within a process too", async () => {
    await using directory = await folder();
    const path = join(directory.path, "lock");
    using lock = lockFile(path);
    expect(lock).toBeDefined();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(lockFile(path)).toBeUndefined();
  });

  test("follows no symbolic link and makes no folder", async () => {
    await using directory = await folder();
    await symlink(join(directory.path, "elsewhere"), join(directory.path, "lock"));
    expect(() => lockFile(join(directory.path, "lock"))).toThrow("ELOOP");
    expect(() => lockFile(join(directory.path, "missing/lock"))).toThrow("ENOENT");
  });
});
