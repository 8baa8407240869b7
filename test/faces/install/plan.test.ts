import { describe, expect, test } from "vitest";
import type { Wanted } from "../../../src/faces/install/layout.ts";
import { type Found, planStep } from "../../../src/faces/install/plan.ts";
import type { Installed } from "../../../src/faces/install/record-types.ts";

const PATH = "/etc/x";
const FILE: Wanted = { kind: "file", path: PATH, mode: 0o644, text: "new" };
const LINK: Wanted = { kind: "link", path: PATH, target: "/new" };
const FOLDER: Wanted = { kind: "folder", path: PATH, mode: 0o755 };
const NOTHING: Found = { kind: "nothing" };
const file = (sha256: string, mode = 0o644): Found => ({ kind: "file", sha256, mode });

const EMPTY: Installed = {
  ...{ format: 1, complete: true, version: "1", files: [], links: [], folders: [], asides: [], stopped: [] },
  ...{ program: {}, programAside: false },
};
const OURS: Installed = { ...EMPTY, files: [{ path: PATH, sha256: "old", aside: false }] };
const OURS_OVER_ANOTHER: Installed = { ...EMPTY, files: [{ path: PATH, sha256: "old", aside: true }] };
const OUR_LINK: Installed = {
  ...EMPTY,
  links: [{ path: PATH, target: "/old", aside: false, before: "/theirs" }],
};

interface Row {
  readonly name: string;
  readonly wanted?: Wanted;
  readonly found: Found;
  readonly record?: Installed;
  readonly asideTaken?: boolean;
  readonly want: object;
}

const ROWS: readonly Row[] = [
  {
    name: "makes what is not there",
    found: NOTHING,
    want: { kind: "make", moved: undefined, aside: false },
  },
  { name: "keeps what is as it should be", found: file("new"), record: OURS, want: { kind: "keep" } },
  { name: "puts a mode right", found: file("new", 0o600), record: OURS, want: { kind: "make" } },
  {
    name: "renews what it wrote itself",
    found: file("old"),
    record: OURS,
    want: { kind: "make", moved: undefined },
  },
  {
    name: "keeps a change of somebody's beside it",
    found: file("theirs"),
    record: OURS,
    want: { kind: "make", moved: "/etc/x.changed.bak", aside: false },
  },
  {
    name: "moves another's file aside",
    found: file("theirs"),
    want: { kind: "make", moved: "/etc/x.before-sluice", aside: true },
  },
  {
    name: "remembers over upgrades what is aside",
    found: file("old"),
    record: OURS_OVER_ANOTHER,
    asideTaken: true,
    want: { kind: "make", moved: undefined, aside: true },
  },
  {
    name: "takes up an installation that was killed before it moved a file aside",
    found: file("theirs"),
    record: OURS_OVER_ANOTHER,
    want: { kind: "make", moved: "/etc/x.before-sluice", aside: true },
  },
  {
    name: "takes up an installation that was killed after it moved a file aside",
    found: NOTHING,
    asideTaken: true,
    want: { kind: "make", moved: undefined, aside: true },
  },
  {
    name: "takes up one that was killed after it wrote the file",
    found: file("new"),
    asideTaken: true,
    want: { kind: "keep", aside: true },
  },
  {
    name: "moves a link aside for a file",
    found: { kind: "link", target: "/a" },
    want: { moved: "/etc/x.before-sluice" },
  },
  {
    name: "remembers where a link led",
    wanted: LINK,
    found: { kind: "link", target: "/theirs" },
    want: { kind: "make", moved: undefined, before: "/theirs" },
  },
  {
    name: "remembers a link that leads there already",
    wanted: LINK,
    found: { kind: "link", target: "/new" },
    want: { kind: "keep", before: "/new" },
  },
  {
    name: "remembers over upgrades where a link led",
    wanted: LINK,
    found: { kind: "link", target: "/old" },
    record: OUR_LINK,
    want: { kind: "make", before: "/theirs" },
  },
  {
    name: "moves a command aside for a link",
    wanted: LINK,
    found: file("theirs"),
    want: { kind: "make", moved: "/etc/x.before-sluice", aside: true },
  },
  { name: "keeps a folder", wanted: FOLDER, found: { kind: "folder" }, want: { kind: "keep" } },
  {
    name: "keeps a link that leads to another disk",
    wanted: FOLDER,
    found: { kind: "link", target: "/disk" },
    want: { kind: "keep" },
  },
];

describe("planStep()", () => {
  test.each(ROWS)("$name", ({ wanted = FILE, found, record, asideTaken = false, want }) => {
    const sight = { wanted, found, sha256: "new", asideTaken, changedTaken: false };
    expect(planStep(sight, record)).toMatchObject(want);
  });

  test.each<[string, Wanted, Found, boolean, string]>([
    ["a file for a folder", FOLDER, file("x"), false, "expected a folder there, got a file"],
    ["a folder for a file", FILE, { kind: "folder" }, false, "expected a file there, got a folder"],
    ["two predecessors", FILE, file("x"), true, "expected nothing there, got something"],
  ])("refuses %s", (_, wanted, found, asideTaken, says) => {
    const sight = { wanted, found, sha256: "new", asideTaken, changedTaken: false };
    expect(() => planStep(sight, undefined)).toThrow(says);
  });

  test("refuses a second change by hand while the first is kept", () => {
    const sight = {
      ...{ wanted: FILE, found: file("theirs"), sha256: "new" },
      ...{ asideTaken: false, changedTaken: true },
    };
    expect(() => planStep(sight, OURS)).toThrow('Cannot install "/etc/x.changed.bak": expected nothing');
  });
});
