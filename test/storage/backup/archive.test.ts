import { execFile } from "node:child_process";
import { mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { RefusedRequestError } from "../../../src/errors.ts";
import { archivedFile, readArchive, stagedPath, writeArchive } from "../../../src/storage/backup/archive.ts";
import { type ArchivedFile, type Manifest, manifestText } from "../../../src/storage/backup/manifest.ts";
import { tarFileOf, tarHeader, tarPadding } from "../../../src/storage/backup/tar-header.ts";

const run = promisify(execFile);
const LARGE = Buffer.alloc(300_001, "0123456789");
const CONTENTS: Readonly<Record<string, Buffer>> = {
  "settings/sluice.json": Buffer.from("{}\n"),
  "usage/accounts.jsonl": Buffer.alloc(512, "x"),
  "hosts/seen": Buffer.alloc(0),
  "history/history.db": LARGE,
};

function manifest(files: readonly ArchivedFile[], parts: object = {}): Manifest {
  return { madeBy: "1.2.3", made: "2026-11-21T14:00:00.000Z", host: "here", accounts: 0, files, ...parts };
}

/** A folder with an archive of `CONTENTS` in it. */
async function opened() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-archive-"));
  const path = join(folder.path, "backup.tgz");
  await using staging = await mkdtempDisposable(`${path}.parts-`);
  const files: ArchivedFile[] = [];
  for (const [name, content] of Object.entries(CONTENTS)) {
    await writeFile(stagedPath(staging.path, name), content);
    files.push(await archivedFile(staging.path, name));
  }
  await writeArchive(path, staging.path, manifest(files));
  return {
    ...{ path, files },
    /** What reading some other archive comes to. */
    read: async (archive = path) => {
      await using to = await mkdtempDisposable(join(folder.path, "read-"));
      const found = await readArchive(archive, to.path);
      const contents = await Promise.all(
        found.files.map(async ({ name }) => [name, await readFile(stagedPath(to.path, name))] as const),
      );
      return { found, contents: Object.fromEntries(contents) };
    },
    put: async (content: Uint8Array) => {
      await writeFile(join(folder.path, "other.tgz"), content);
      return join(folder.path, "other.tgz");
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("writeArchive() and readArchive()", () => {
  test("give back what was put in, for its owner's eyes alone", async () => {
    await using at = await opened();
    expect(await at.read()).toEqual({ found: manifest(at.files), contents: CONTENTS });
    expect((await stat(at.path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(at.path, ".."))).toEqual(["backup.tgz"]);
  });

  test("make what any tar opens", async () => {
    await using at = await opened();
    const { stdout } = await run("tar", ["-tzf", at.path]);
    expect(stdout).toBe(`manifest.json\n${Object.keys(CONTENTS).join("\n")}\n`);
    const { stdout: out } = await run("tar", ["-xzOf", at.path, "usage/accounts.jsonl"]);
    expect(out).toBe("x".repeat(512));
  });

  test("an archive that is cut off anywhere is refused", async () => {
    await using at = await opened();
    const whole = await readFile(at.path);
    for (const part of [0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1]) {
      const length = Math.min(Math.floor(whole.length * part), whole.length - 1);
      await expect(at.read(await at.put(whole.subarray(0, length)))).rejects.toThrow(RefusedRequestError);
    }
  });

  test("one with a bit turned anywhere is refused, or still says the same", async () => {
    await using at = await opened();
    const whole = await readFile(at.path);
    const right = await at.read();
    for (let place = 0; place < whole.length; place += Math.ceil(whole.length / 97)) {
      const turned = Buffer.from(whole);
      turned[place] = (turned[place] ?? 0) ^ (1 << (place % 8));
      const read = await at.read(await at.put(turned)).catch((error: unknown) => error);
      if (read instanceof Error) expect(read).toBeInstanceOf(RefusedRequestError);
      else expect(read).toEqual(right); // the time in the compression's head, which means nothing
    }
  });

  test("one with a bit turned in what is compressed is refused by the digests", async () => {
    await using at = await opened();
    const tar = gunzipSync(await readFile(at.path));
    for (const text of ["0123456789", "xxxxxxxx", '"accounts": 0']) {
      const turned = Buffer.from(tar);
      const place = turned.indexOf(text) + 3;
      turned[place] = (turned[place] ?? 0) ^ 1;
      await expect(at.read(await at.put(gzipSync(turned)))).rejects.toThrow(/Cannot use ".*" as a backup/);
    }
  });
});

describe("readArchive() refuses", () => {
  const content = Buffer.from("hello");
  const sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  const hello = { name: "hosts/seen", size: 5, sha256 };

  /** A tar archive of these, compressed; headers may be what no archive of ours has. */
  function tarOf(...files: readonly (readonly [Buffer, Buffer])[]): Buffer {
    const blocks = files.flatMap(([header, data]) => [header, data, Buffer.alloc(tarPadding(data.length))]);
    return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
  }

  /** A header that was made something else of, with its check sum put right. */
  function forged(name: string, change: (header: Buffer) => void): Buffer {
    const header = tarHeader({ name, size: content.length }, 0);
    change(header);
    header.write("        ", 148);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    return header;
  }

  const head = (text: string) =>
    [tarHeader({ name: "manifest.json", size: Buffer.byteLength(text) }, 0), Buffer.from(text)] as const;
  const named = (file: object) => head(manifestText(manifest([file as ArchivedFile])));
  const plain = [tarHeader(hello, 0), content] as const;

  test.for([
    {
      name: "a path that climbs",
      file: { ...hello, name: "hosts/../../etc/passwd" },
      why: /expected names such as/,
    },
    { name: "an absolute path", file: { ...hello, name: "/etc/passwd" }, why: /expected names such as/ },
    { name: "a hidden file", file: { ...hello, name: "hosts/.lock" }, why: /expected names such as/ },
    { name: "a negative size", file: { ...hello, size: -1 }, why: /expected size and digest/ },
    {
      name: "more than there is room for",
      file: { ...hello, size: 2 ** 53 - 1 },
      why: /are needed to unpack it/,
    },
    { name: "another digest", file: { ...hello, sha256: "00" }, why: /is not what its manifest says/ },
    { name: "another size", file: { ...hello, size: 4 }, why: /expected "hosts\/seen" of 4 bytes/ },
  ])("$name in its manifest", async ({ file, why }) => {
    await using at = await opened();
    await expect(at.read(await at.put(tarOf(named(file), plain)))).rejects.toThrow(why);
  });

  test.for([
    {
      name: "a symbolic link",
      header: forged("hosts/seen", (each) => each.write("2", 156)),
      why: /plain files alone/,
    },
    {
      name: "a hard link",
      header: forged("hosts/seen", (each) => each.write("1", 156)),
      why: /plain files alone/,
    },
    {
      name: "a folder",
      header: forged("hosts/seen", (each) => each.write("5", 156)),
      why: /plain files alone/,
    },
    {
      name: "a device",
      header: forged("hosts/seen", (each) => each.write("3", 156)),
      why: /plain files alone/,
    },
    {
      name: "a long name's header",
      header: forged("hosts/seen", (each) => each.write("x", 156)),
      why: /plain files alone/,
    },
    {
      name: "a path in two halves",
      header: forged("hosts/seen", (each) => each.write("/etc", 345)),
      why: /expected no folder/,
    },
    {
      name: "a path that climbs",
      header: tarHeader({ name: "../seen", size: 5 }, 0),
      why: /expected "hosts\/seen"/,
    },
    {
      name: "a size that is no number",
      header: forged("hosts/seen", (each) => each.write("0000000000x", 124)),
      why: /a number in a tar header/,
    },
  ])("$name where its manifest has a file", async ({ header, why }) => {
    await using at = await opened();
    await expect(at.read(await at.put(tarOf(named(hello), [header, content])))).rejects.toThrow(why);
  });

  test.for([
    { name: "a file that its manifest does not name", files: [plain, plain], why: /no more files/ },
    { name: "a file twice in its manifest", files: [plain], twice: true, why: /each file once/ },
    { name: "a file too few", files: [], why: /got its end/ },
  ])("$name", async ({ files, twice = false, why }) => {
    await using at = await opened();
    const first = head(manifestText(manifest(twice ? [hello, hello] : [hello])));
    await expect(at.read(await at.put(tarOf(first, ...files)))).rejects.toThrow(why);
  });

  test.for([
    {
      name: "a newer version",
      text: '{"sluice_backup": 2}',
      why: /version 1 or lower, got 2 \(made by a newer Sluice\)/,
    },
    { name: "another program's archive", text: "{}", why: /expected a backup of Sluice/ },
    { name: "a manifest that is no JSON", text: "{", why: /Cannot use/ },
  ])("$name", async ({ text, why }) => {
    await using at = await opened();
    await expect(at.read(await at.put(tarOf(head(text))))).rejects.toThrow(why);
    await expect(at.read(await at.put(tarOf(plain)))).rejects.toThrow(/manifest\.json in front/);
  });

  test("what is no archive", async () => {
    await using at = await opened();
    for (const bytes of [Buffer.from("hello"), gzipSync("hello"), gzipSync(Buffer.alloc(100_000))]) {
      await expect(at.read(await at.put(bytes))).rejects.toThrow(RefusedRequestError);
    }
  });
});

test("tarFileOf() reads what tarHeader() wrote", () => {
  for (const file of [
    { name: "a/b", size: 0 },
    { name: `a/${"b".repeat(98)}`, size: 8 ** 11 - 1 },
  ]) {
    expect(tarFileOf(tarHeader(file, 1_795_000_000))).toEqual(file);
  }
  expect(() => tarHeader({ name: "é".repeat(51), size: 0 }, 0)).toThrow(RangeError);
  expect(() => tarHeader({ name: "a", size: 8 ** 11 }, 0)).toThrow(RangeError);
});
