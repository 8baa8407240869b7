import {
  chown,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { removePage, removeRows } from "../../../src/enforcement/ssh/script-files.ts";
import { needs } from "../../support/requirements.ts";

const LISTS = ["bw-limit.conf", "bw-usage.conf", "bw-last-stats.conf", "bw-disabled.conf"];
const missing = needs("root");

async function lists(content: string | Buffer) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-scripts-"));
  for (const list of LISTS) await writeFile(join(folder.path, list), content);
  return {
    path: folder.path,
    at: (name: string) => join(folder.path, name),
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

test.for([
  { name: "a.b", text: "a.b 1 ssh\naxb 2 ssh\n", rest: "axb 2 ssh\n" },
  { name: "joe", text: "joe2 1 ssh\nxjoe 2 ssh\njoe 3 ssh\n", rest: "joe2 1 ssh\nxjoe 2 ssh\n" },
  { name: "joe", text: "# joe 1\namy joe 2\n\n", rest: "# joe 1\namy joe 2\n\n" },
  { name: "joe", text: "  joe\t5 ssh\r\namy 1", rest: "amy 1" },
  { name: "joe", text: "joe", rest: "" },
  { name: "joe", text: "joe 1\njoe 2\n", rest: "" },
  { name: "joe", text: "", rest: "" },
])("removeRows() leaves $rest of $text for $name, in all lists", async ({ name, text, rest }) => {
  await using it = await lists(text);
  removeRows(it.path, name);
  for (const list of LISTS) expect(await readFile(it.at(list), "utf8"), list).toBe(rest);
  expect((await readdir(it.path)).sort()).toEqual([...LISTS].sort());
});

test("removeRows() keeps every byte of other rows", async () => {
  await using it = await lists(Buffer.from("6a6f650a fffe2031 0a80".replaceAll(" ", ""), "hex"));
  removeRows(it.path, "joe");
  expect((await readFile(it.at("bw-limit.conf"))).toString("hex")).toBe("fffe20310a80");
});

test("removeRows() does nothing where there are no lists", async () => {
  await using it = await lists("");
  await mkdir(it.at("empty"));
  removeRows(it.at("empty"), "joe");
  removeRows(it.at("nowhere"), "joe");
  expect(await readdir(it.at("empty"))).toEqual([]);
});

test.skipIf(missing)(`removeRows() keeps mode and owner, and a link to a list${missing}`, async () => {
  await using it = await lists("joe 1\namy 2\n");
  const real = it.at("real.conf");
  await writeFile(real, "joe 1\namy 2\n", { mode: 0o640 });
  await chown(real, 61_000, 61_001);
  await writeFile(it.at("bw-limit.conf"), "");
  await mkdir(it.at("linked"));
  await symlink(real, it.at("linked/bw-limit.conf"));
  await writeFile(`${real}.sluice`, "cut off earlier");
  removeRows(it.at("linked"), "joe");
  const { mode, uid, gid } = await stat(real);
  expect([mode & 0o7777, uid, gid]).toEqual([0o640, 61_000, 61_001]);
  expect(await readFile(it.at("linked/bw-limit.conf"), "utf8")).toBe("amy 2\n");
  expect(await readdir(it.at("linked"))).toEqual(["bw-limit.conf"]);
});

test("removePage() removes his page alone, twice if need be", async () => {
  await using it = await lists("");
  for (const name of ["joe", "joe2"]) await writeFile(it.at(`ssh-${name}.txt`), "page");
  removePage(it.path, "joe");
  removePage(it.path, "joe");
  expect((await readdir(it.path)).filter((name) => name.startsWith("ssh-"))).toEqual(["ssh-joe2.txt"]);
});
