import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LoginArchive } from "../../../src/enforcement/ssh/login-archive.ts";
import { needs } from "../../support/requirements.ts";

const missing = needs("tar");

async function archive() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-archive-"));
  const path = join(folder.path, "deleted", "joe-20261121T000000Z");
  const kept = new LoginArchive(path);
  await kept.open();
  return {
    kept,
    outside: (name: string) => join(folder.path, name),
    inside: (name: string) => join(path, name),
    names: async () => (await readdir(path)).sort(),
    modeOf: async (name: string) => (await stat(join(path, name))).mode & 0o777,
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

test("keeps texts for root alone, and the first of each", async () => {
  await using it = await archive();
  await it.kept.keepText("passwd", "joe:x\n");
  await it.kept.open();
  await it.kept.keepText("passwd", "another\n");
  expect(await readFile(it.inside("passwd"), "utf8")).toBe("joe:x\n");
  expect([await it.modeOf("."), await it.modeOf("passwd")]).toEqual([0o700, 0o600]);
});

test("makes a copy that was cut off anew", async () => {
  await using it = await archive();
  await writeFile(it.inside("passwd.part"), "jo");
  await it.kept.keepText("passwd", "joe:x\n");
  expect(await readFile(it.inside("passwd"), "utf8")).toBe("joe:x\n");
  expect(await it.names()).toEqual(["passwd"]);
});

test("keeps an empty text as one that was kept", async () => {
  await using it = await archive();
  await it.kept.keepText("shadow", "");
  await it.kept.keepText("shadow", "later\n");
  expect(await readFile(it.inside("shadow"), "utf8")).toBe("");
});

test("keeps a file of a name it has beside the other, and the same file once", async () => {
  await using it = await archive();
  const source = it.outside("crontab");
  for (const content of ["one", "one", "two", "three", "two", "one"]) {
    await writeFile(source, content);
    await it.kept.keepFile("crontab", source);
  }
  expect(await it.names()).toEqual(["crontab", "crontab.2", "crontab.3"]);
  expect(await readFile(it.inside("crontab.3"), "utf8")).toBe("three");
});

test("keeps a file readable for all as one for root alone", async () => {
  await using it = await archive();
  await writeFile(it.outside("job"), Buffer.from([0xff, 0, 1]));
  await chmod(it.outside("job"), 0o755);
  await it.kept.keepFile("job", it.outside("job"));
  expect(await it.modeOf("job")).toBe(0o600);
  expect(await readFile(it.inside("job"))).toEqual(Buffer.from([0xff, 0, 1]));
});

test("a file that cannot be read is an error, not an empty copy", async () => {
  await using it = await archive();
  await expect(it.kept.keepFile("crontab", it.outside("nowhere"))).rejects.toThrow("ENOENT");
  expect(await it.names()).toEqual([]);
});

test.skipIf(missing)(
  `packs a folder whatever its name, once, and a cut off pack anew${missing}`,
  async () => {
    await using it = await archive();
    const home = it.outside("--help");
    await mkdir(home);
    await writeFile(join(home, "notes"), "mine");
    await writeFile(it.inside("home.tar.gz.part"), "half", { mode: 0o644 });
    await it.kept.keepFolder("home.tar.gz", home);
    await writeFile(join(home, "later"), "");
    await it.kept.keepFolder("home.tar.gz", home);
    expect(execFileSync("tar", ["-tzf", it.inside("home.tar.gz")]).toString()).toBe(
      "--help/\n--help/notes\n",
    );
    expect(await it.modeOf("home.tar.gz")).toBe(0o600);
    expect(await it.names()).toEqual(["home.tar.gz"]);
  },
);

test.skipIf(missing)(`a pack that fails has no name${missing}`, async () => {
  await using it = await archive();
  await expect(it.kept.keepFolder("home.tar.gz", it.outside("nowhere"))).rejects.toThrow("nowhere");
  expect(await it.names()).not.toContain("home.tar.gz");
});
