import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeniedFolder } from "../../../src/enforcement/openvpn/denied-folder.ts";
import { userName } from "../../../src/names.ts";
import { noSmallDisk, smallDisk } from "../../storage/small-disk.ts";

const ALICE = userName("alice");
const BOB = userName("bob");
const TOO_LONG = userName("ü".repeat(60));

describe("DeniedFolder", () => {
  let parent: string;
  let folder: string;
  let denied: DeniedFolder;
  const modeOf = (path: string) => statSync(path).mode & 0o7777;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "sluice-denied-"));
    folder = join(parent, "run", "denied");
    denied = new DeniedFolder(folder);
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  test("is passed through by anybody and listed by nobody", () => {
    denied.add(ALICE, "x");
    expect(modeOf(folder)).toBe(0o711);
  });

  test.for([
    { name: "alice", file: "alice" },
    { name: "../../etc/passwd", file: "%2E./%2E./etc/passwd".replaceAll("/", "%2F").replace("F%2E.", "F..") },
    { name: ".waiting-server", file: "%2Ewaiting-server" },
    { name: ".new-alice", file: "%2Enew-alice" },
    { name: "$(touch x) 'y' \"z\"", file: "%24%28touch%20x%29%20%27y%27%20%22z%22" },
    { name: "Анна", file: "%D0%90%D0%BD%D0%BD%D0%B0" },
  ])('keeps $name in "$file", with the reason, for root alone', ({ name, file }) => {
    const user = userName(name);
    expect(denied.has(user)).toBe(false);
    denied.add(user, "quota used up");
    denied.add(user, "account disabled");
    expect(readdirSync(folder)).toEqual([file]);
    expect(readFileSync(join(folder, file), "utf8")).toBe("account disabled\n");
    expect(modeOf(join(folder, file))).toBe(0o600);
    expect(denied.has(user)).toBe(true);
    denied.remove(user);
    denied.remove(user);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.skipIf(noSmallDisk)("set() frees nobody because the disk is full", async () => {
    await using disk = await smallDisk();
    const full = new DeniedFolder(join(disk.path, "denied"));
    full.set(new Map([[userName("alice"), "quota"]]));
    disk.fill();
    const users = [userName("alice"), userName("bob")].map((user) => [user, "x".repeat(8_192)] as const);
    expect([...full.set(new Map(users)).keys()]).toEqual(["bob"]);
    expect(full.has(userName("alice"))).toBe(true);
  });

  test("refuses a name that is too long for a file", () => {
    expect(() => denied.add(TOO_LONG, "x")).toThrow(RangeError);
    expect(denied.has(TOO_LONG)).toBe(false);
    denied.remove(TOO_LONG);
  });

  test("set() makes it hold exactly these, tells whom it cannot, and leaves the marks of servers alone", () => {
    denied.add(BOB, "x");
    denied.waiting("server", true);
    writeFileSync(join(folder, ".new-carol"), ""); // a crash in the middle of a change
    const refused = denied.set(new Map([ALICE, TOO_LONG].map((user) => [user, "quota used up"])));
    expect(readdirSync(folder).sort()).toEqual([".waiting-server", "alice"]);
    expect([...refused]).toEqual([[TOO_LONG, expect.stringMatching(/^Cannot keep a file for user/)]]);
    expect(denied.set(new Map())).toEqual(new Map());
    expect(readdirSync(folder)).toEqual([".waiting-server"]);
  });

  test("waiting() leaves a mark with this process's id that every hook can read, and takes it away", () => {
    denied.waiting("server@1.x", true);
    const mark = join(folder, ".waiting-server@1.x");
    expect([readFileSync(mark, "utf8"), modeOf(mark)]).toEqual([`${process.pid}\n`, 0o644]);
    denied.waiting("server@1.x", false);
    denied.waiting("server@1.x", false);
    expect(readdirSync(folder)).toEqual([]);
    expect(() => denied.waiting("../x", true)).toThrow(RangeError);
  });

  test("goes on over what a crash left", () => {
    denied.set(new Map());
    writeFileSync(join(folder, ".new-alice"), "half");
    denied.add(ALICE, "quota used up");
    expect(readdirSync(folder)).toEqual(["alice"]);
  });
});
