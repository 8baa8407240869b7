import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { chown, mkdir, mkdtempDisposable, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { editConfigFile } from "../../../src/enforcement/xray/config-file.ts";
import { codeOf, RefusedRequestError } from "../../../src/errors.ts";
import { unixTime } from "../../../src/units.ts";

const asRoot = process.getuid?.() === 0;
const now = unixTime(Date.UTC(2026, 10, 21, 2, 26, 59, 123));
const shout = (text: string): string => text.toUpperCase();

describe("editConfigFile()", () => {
  test("puts the new text in place and keeps the old beside it", async () => {
    await using folder = await configFolder("a # é\n");
    const outcome = await editConfigFile({ path: folder.config, edit: shout, test: undefined, now });
    expect(outcome.changed).toBe(true);
    expect(outcome.backup).toMatch(/\/config\.json\.sluice-20261121T022659123Z-[0-9a-f]{8}\.bak$/);
    expect(readFileSync(folder.config, "utf8")).toBe("A # É\n");
    expect(readFileSync(outcome.backup ?? "", "utf8")).toBe("a # é\n");
    expect(readdirSync(folder.path)).toHaveLength(2);
  });

  test("writes nothing when the edit changes nothing", async () => {
    await using folder = await configFolder("SAME");
    const before = statSync(folder.config);
    expect(await editConfigFile({ path: folder.config, edit: shout, test: neverTested, now })).toEqual({
      changed: false,
    });
    expect([statSync(folder.config).ino, statSync(folder.config).mtimeMs]).toEqual([
      before.ino,
      before.mtimeMs,
    ]);
    expect(readdirSync(folder.path)).toEqual(["config.json"]);
  });

  test.skipIf(!asRoot)("keeps mode and owner, also of the backup (needs root)", async () => {
    await using folder = await configFolder("a");
    chmodSync(folder.config, 0o4751);
    await chown(folder.config, 65534, 33);
    chmodSync(folder.config, 0o640);
    const { backup = "" } = await editConfigFile({ path: folder.config, edit: shout, test: undefined, now });
    for (const path of [folder.config, backup]) {
      const { mode, uid, gid } = statSync(path);
      expect([mode & 0o7777, uid, gid]).toEqual([0o640, 65534, 33]);
    }
  });

  test("shows the test a candidate with the file's mode, before the file changes", async () => {
    await using folder = await configFolder("a");
    chmodSync(folder.config, 0o604);
    const seen: unknown[] = [];
    await editConfigFile({
      path: folder.config,
      edit: shout,
      test: async (candidate) => {
        seen.push(
          readFileSync(candidate, "utf8"),
          statSync(candidate).mode & 0o7777,
          readFileSync(folder.config, "utf8"),
        );
        expect(candidate).not.toMatch(/\.json$/);
      },
      now,
    });
    expect(seen).toEqual(["A", 0o604, "a"]);
  });

  test("follows a symbolic link and leaves it one", async () => {
    await using folder = await configFolder("a");
    await mkdir(join(folder.path, "etc"));
    const link = join(folder.path, "etc", "link.json");
    await symlink("../config.json", link);
    const { backup } = await editConfigFile({ path: link, edit: shout, test: undefined, now });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(folder.config, "utf8")).toBe("A");
    expect(backup).toContain(`${folder.path}/config.json.sluice-`);
  });

  test("keeps the five newest backups in the folder it is given, and nobody else's away from it", async () => {
    await using folder = await configFolder("0");
    const backupDirectory = join(folder.path, "backups");
    await mkdir(backupDirectory);
    const others = ["config.json.bak", "other.json.sluice-20200101T000000000Z-0000.bak"];
    for (const name of others) writeFileSync(join(backupDirectory, name), "");
    for (let round = 1; round <= 7; round++) {
      const edit = (): string => String(round);
      await editConfigFile({
        path: folder.config,
        edit,
        test: undefined,
        backupDirectory,
        now: unixTime(now + round),
      });
    }
    const names = readdirSync(backupDirectory).toSorted();
    expect(names.filter((name) => others.includes(name))).toEqual(others);
    const ours = names.filter((name) => !others.includes(name));
    expect(ours.map((name) => readFileSync(join(backupDirectory, name), "utf8"))).toEqual([
      "2",
      "3",
      "4",
      "5",
      "6",
    ]);
  });
});

describe("editConfigFile() against other programs", () => {
  test.for([
    { name: "appends to it", interfere: (path: string) => appendFileSync(path, "b") },
    {
      name: "replaces it",
      interfere: (path: string) => {
        writeFileSync(`${path}.new`, "ab");
        renameSync(`${path}.new`, path);
      },
    },
  ])("starts over on the new text when another program $name", async ({ interfere }) => {
    await using folder = await configFolder("a");
    let tests = 0;
    const { changed } = await editConfigFile({
      path: folder.config,
      edit: shout,
      test: async () => {
        if (tests++ === 0) interfere(folder.config);
      },
      now,
    });
    expect([changed, tests, readFileSync(folder.config, "utf8")]).toEqual([true, 2, "AB"]);
    expect(readdirSync(folder.path)).toHaveLength(2);
  });

  test("starts over when another program puts the same bytes in another mode", async () => {
    await using folder = await configFolder("a");
    let tests = 0;
    await editConfigFile({
      path: folder.config,
      edit: shout,
      test: async () => {
        if (tests++ === 0) chmodSync(folder.config, 0o600);
      },
      now,
    });
    expect([tests, statSync(folder.config).mode & 0o7777]).toEqual([2, 0o600]);
  });

  test("gives up after five tries, with the other's text in place and no litter", async () => {
    await using folder = await configFolder("a");
    let tests = 0;
    const edit = editConfigFile({
      path: folder.config,
      edit: shout,
      test: async () => {
        tests++;
        appendFileSync(folder.config, "b");
      },
      now,
    });
    await expect(edit).rejects.toThrow(RefusedRequestError);
    expect([tests, readFileSync(folder.config, "utf8"), readdirSync(folder.path)]).toEqual([
      5,
      "abbbbb",
      ["config.json"],
    ]);
  });
});

describe("editConfigFile() fails without a trace", () => {
  test("when the test refuses the candidate", async () => {
    await using folder = await configFolder("a");
    const refusal = new Error("Cannot start");
    const edit = editConfigFile({
      path: folder.config,
      edit: shout,
      test: () => Promise.reject(refusal),
      now,
    });
    await expect(edit).rejects.toMatchObject({
      message: `Cannot change "${folder.config}": Cannot start`,
      cause: refusal,
    });
    expect([readFileSync(folder.config, "utf8"), readdirSync(folder.path)]).toEqual(["a", ["config.json"]]);
  });

  test("when the edit throws", async () => {
    await using folder = await configFolder("{");
    const edit = (): string => {
      throw new SyntaxError("Cannot read the config");
    };
    await expect(editConfigFile({ path: folder.config, edit, test: undefined, now })).rejects.toThrow(
      "Cannot read the config",
    );
    expect(readdirSync(folder.path)).toEqual(["config.json"]);
  });

  test("when the backup folder is missing", async () => {
    await using folder = await configFolder("a");
    const backupDirectory = join(folder.path, "missing");
    const edit = editConfigFile({ path: folder.config, edit: shout, test: undefined, backupDirectory, now });
    await expect(edit).rejects.toThrow(/^Cannot change .*ENOENT/);
    expect([readFileSync(folder.config, "utf8"), readdirSync(folder.path)]).toEqual(["a", ["config.json"]]);
  });

  test("on a file that is not UTF-8, which could not be written back unharmed", async () => {
    await using folder = await configFolder("");
    writeFileSync(folder.config, Buffer.from([0x61, 0xe9, 0x62]));
    await expect(editConfigFile({ path: folder.config, edit: shout, test: undefined, now })).rejects.toThrow(
      RefusedRequestError,
    );
  });

  test("on a folder or a named pipe, without waiting", async () => {
    await using folder = await configFolder("a");
    const pipe = join(folder.path, "pipe");
    execFileSync("mkfifo", [pipe]);
    for (const path of [folder.path, pipe]) {
      await expect(editConfigFile({ path, edit: shout, test: undefined, now })).rejects.toThrow(
        RefusedRequestError,
      );
    }
  });

  test.skipIf(!asRoot)("on a full disk (needs root to mount a small one)", async () => {
    await using folder = await configFolder("");
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16k", "none", folder.path]);
    try {
      writeFileSync(folder.config, "a");
      const edit = editConfigFile({
        path: folder.config,
        edit: () => "b".repeat(20_000),
        test: neverTested,
        now,
      });
      const error: unknown = await edit.catch((thrown: unknown) => thrown);
      expect(codeOf((error as Error).cause)).toBe("ENOSPC");
      expect([readFileSync(folder.config, "utf8"), readdirSync(folder.path)]).toEqual(["a", ["config.json"]]);
    } finally {
      execFileSync("umount", [folder.path]);
    }
  });
});

async function configFolder(content: string): Promise<{ path: string; config: string } & AsyncDisposable> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-test-"));
  const config = join(folder.path, "config.json");
  writeFileSync(config, content);
  return { path: folder.path, config, [Symbol.asyncDispose]: () => folder.remove() };
}

async function neverTested(): Promise<void> {
  throw new Error("Cannot happen: nothing to test");
}
