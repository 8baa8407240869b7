/** Holds the source tree to its plan; a complaint names the file and the import. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  COMPOSITION_ROOTS,
  circleIn,
  FOLDERS,
  importComplaints,
  isPure,
  packageComplaints,
  pageComplaints,
  placeOf,
  placesImported,
  purityComplaints,
  ROOT,
  shapeComplaints,
} from "./architecture-rules.ts";
import { readSources, SRC, sourceOf } from "./architecture-sources.ts";

const sources = readSources();
const pureFiles = new Set(sources.filter(isPure).map(({ path }) => path));

describe("the source tree", () => {
  test("is read, imports and all", () => {
    const calendar = sources.find(({ path }) => path === "calendar.ts");
    expect(calendar?.imports).toEqual([
      { from: "luxon", typeOnly: false },
      { from: "./units.ts", typeOnly: false },
    ]);
  });

  test.for(Object.entries(FOLDERS).map(([place, rule]) => ({ place, ...rule })))(
    "keeps $place to its imports: $why",
    ({ place }) => {
      const files = sources.filter(({ path }) => placeOf(path) === place);
      expect(files.flatMap((source) => importComplaints(source))).toEqual([]);
    },
  );

  test("lets composition roots import everything but the faces, which only cli.ts may", () => {
    const files = sources.filter(({ path }) => COMPOSITION_ROOTS.includes(path));
    expect(files.flatMap((source) => importComplaints(source))).toEqual([]);
  });

  test.for(Object.entries(FOLDERS).map(([place, { planned = false }]) => ({ place, planned })))(
    "says of $place whether it is there yet",
    ({ place, planned }) => {
      expect(existsSync(place === ROOT ? SRC : join(SRC, place))).toBe(!planned);
    },
  );

  test("has a rule for every folder", () => {
    const places = new Set(sources.map(({ path }) => placeOf(path)));
    const known = [...Object.keys(FOLDERS), ...COMPOSITION_ROOTS];
    expect([...places].filter((place) => !known.includes(place))).toEqual([]);
  });

  test("has no circle of folders", () => {
    expect(circleIn(placesImported(sources))).toBeUndefined();
  });

  test("imports only packages it has, and each in its place", () => {
    expect(sources.flatMap(packageComplaints)).toEqual([]);
  });

  test("keeps the page to what a browser has", () => {
    expect(sources.filter(({ path }) => path.endsWith(".tsx")).length).toBeGreaterThan(0);
    expect(sources.flatMap(pageComplaints)).toEqual([]);
  });

  test("has no default exports, barrels or drawers for leftovers", () => {
    expect(sources.flatMap(shapeComplaints)).toEqual([]);
  });

  test.for([...pureFiles].map((path) => ({ path })))("keeps $path pure", ({ path }) => {
    const source = sources.find((one) => one.path === path);
    expect(source && purityComplaints(source, pureFiles)).toEqual([]);
  });
});

describe("the rules above complain about", () => {
  test.for([
    {
      name: "an import against the table",
      path: "ledger/a.ts",
      text: 'import { b } from "../policy/b.ts";',
      want: 'ledger/a.ts imports "../policy/b.ts": ledger may import root',
    },
    {
      name: "an import over several lines",
      path: "kernel/a.ts",
      text: 'import {\n  type B,\n  c,\n} from "../daemon/b.ts";',
      want: 'kernel/a.ts imports "../daemon/b.ts": kernel may import root',
    },
    {
      name: "a bare import",
      path: "demo/a.ts",
      text: 'import "../daemon/b.ts";',
      want: 'demo/a.ts imports "../daemon/b.ts": demo may import root',
    },
    {
      name: "a late import",
      path: "demo/a.ts",
      text: 'const b = await import("../daemon/b.ts");',
      want: 'demo/a.ts imports "../daemon/b.ts": demo may import root',
    },
    {
      name: "an export from elsewhere",
      path: "demo/a.ts",
      text: 'export { b } from "../daemon/b.ts";',
      want: 'demo/a.ts imports "../daemon/b.ts": demo may import root',
    },
    {
      name: "a value where types are allowed",
      path: "control/a.ts",
      text: 'import { type A, b } from "../daemon/b.ts";',
      want: 'control/a.ts imports "../daemon/b.ts": control may import root, kernel, types of daemon',
    },
    {
      name: "a folder imported by a root file",
      path: "units.ts",
      text: 'import type { A } from "./ledger/a.ts";',
      want: 'units.ts imports "./ledger/a.ts": root may import nothing else',
    },
    {
      name: "a face imported by the daemon",
      path: "daemon/a.ts",
      text: 'import { a } from "../faces/cli/a.ts";',
      want: 'daemon/a.ts imports "../faces/cli/a.ts": only cli.ts may import faces',
    },
    {
      name: "a face imported by a composition root",
      path: "up.ts",
      text: 'import { a } from "./faces/cli/a.ts";',
      want: 'up.ts imports "./faces/cli/a.ts": only cli.ts may import faces',
    },
    {
      name: "a composition root imported by the daemon",
      path: "daemon/a.ts",
      text: 'import { a } from "../enforce.ts";',
      want: 'daemon/a.ts imports "../enforce.ts": only composition roots and faces may import composition roots',
    },
  ])("$name", ({ path, text, want }) => {
    expect(importComplaints(sourceOf(path, text))).toEqual([expect.stringContaining(want)]);
  });

  test.for([
    {
      name: "types where types are allowed",
      path: "control/a.ts",
      text: 'import type { A } from "../daemon/b.ts";\nimport { type C } from "../daemon/c.ts";',
    },
    {
      name: "its own folder, however deep",
      path: "sources/xray/a.ts",
      text: 'import { b } from "../source.ts";',
    },
    { name: "the faces by cli.ts", path: "cli.ts", text: 'import { run } from "./faces/cli/run.ts";' },
    {
      name: "an import in a comment",
      path: "units.ts",
      text: '/**\n * import { a } from "./faces/a.ts"\n */\n// import "./faces/a.ts";',
    },
  ])("but not $name", ({ path, text }) => {
    expect(importComplaints(sourceOf(path, text))).toEqual([]);
  });

  test.for([
    {
      name: "a package nobody listed",
      path: "units.ts",
      text: 'import _ from "lodash/fp";',
      want: 'units.ts imports "lodash/fp": known packages are',
    },
    {
      name: "a package in the wrong place",
      path: "daemon/a.ts",
      text: 'import { DateTime } from "luxon";',
      want: 'daemon/a.ts imports "luxon": zones are known in one place',
    },
    {
      name: "a native module loaded by require",
      path: "storage/a.ts",
      text: 'const f = createRequire(import.meta.url)("koffi");',
      want: 'storage/a.ts imports "koffi": foreign functions can crash',
    },
    {
      name: "Node's modules without their prefix",
      path: "units.ts",
      text: 'import { readFile } from "fs";',
      want: 'units.ts imports "fs": known packages are',
    },
  ])("$name", ({ path, text, want }) => {
    expect(packageComplaints(sourceOf(path, text))).toEqual([expect.stringContaining(want)]);
  });

  test.for([
    { name: "a server's package", text: 'import { Hono } from "hono";' },
    { name: "a module of Node's", text: 'import { join } from "node:path";' },
    { name: "a file of the server's", text: 'import { may } from "../../viewer.ts";' },
    { name: "a value of the rows'", text: 'import { a } from "../../../../control/rows.ts";' },
  ])("$name in the page", ({ text }) => {
    expect(pageComplaints(sourceOf("faces/web/page/pages/a.tsx", text))).toHaveLength(1);
  });

  test.for([
    { name: "a default export", path: "a.ts", text: "export default 1;" },
    { name: "a default export by name", path: "a.ts", text: "export { a as default };" },
    { name: "a barrel", path: "ledger/index.ts", text: "" },
    { name: "a drawer for leftovers", path: "ledger/utils.ts", text: "" },
  ])("$name", ({ path, text }) => {
    expect(shapeComplaints(sourceOf(path, text))).toHaveLength(1);
  });

  test.for([
    { name: "the clock", text: "const now = Date.now();", want: "Date.now(" },
    { name: "today's date", text: "const today = new Date();", want: "new Date()" },
    { name: "the environment", text: 'const home = process.env["HOME"];', want: "process.env" },
    { name: "chance", text: "const x = Math.random();", want: "Math.random(" },
    { name: "a file", text: 'import { readFile } from "node:fs/promises";', want: 'from "node:' },
    { name: "a cipher elsewhere", text: 'import { hash } from "node:crypto";', want: 'from "node:crypto"' },
    { name: "random bytes", text: "const key = randomBytes(16);", want: "randomBytes" },
    { name: "state between calls", text: "let calls = 0;", want: "let " },
    { name: "the log", text: "console.error(1);", want: "console" },
    {
      name: "a module that is not pure",
      text: 'import { systemClock } from "../clock.ts";',
      want: "../clock.ts",
    },
  ])("$name in a pure file", ({ text, want }) => {
    const complaints = purityComplaints(sourceOf("ledger/a.ts", text), new Set(["units.ts"]));
    expect(complaints).toEqual([expect.stringMatching(/^ledger\/a\.ts is pure and must not use /)]);
    expect(complaints[0]).toContain(want);
  });

  test("but not a cipher where QUIC's packets are opened", () => {
    const text = 'import { createCipheriv } from "node:crypto";';
    expect(purityComplaints(sourceOf("hosts/parsers/quic-keys.ts", text), new Set())).toEqual([]);
  });

  test("a circle of folders, whole", () => {
    const circle = new Map([
      ["a", new Set(["b"])],
      ["b", new Set(["c"])],
      ["c", new Set(["d", "b"])],
      ["d", new Set<string>()],
    ]);
    expect(circleIn(circle)).toEqual(["b", "c", "b"]);
  });
});
