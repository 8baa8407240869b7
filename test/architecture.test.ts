/**
 * Holds the source tree to its plan: which folder may import which, what is
 * pure, which packages are used where. Every rule carries its reason, and a
 * complaint names the file and the import.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

const SRC = join(import.meta.dirname, "../src");

/** Files directly below src/, but for the composition roots. */
const ROOT = "root";
const EVERYTHING = "everything";

interface Folder {
  /** Folders it may import beside itself; those of `types` with `import type` alone. */
  readonly may: readonly string[] | typeof EVERYTHING;
  readonly types?: readonly string[];
  readonly why: string;
  /** Set until the folder is begun; a test asks for its removal then. */
  readonly planned?: true;
}

const FOLDERS: Readonly<Record<string, Folder>> = {
  [ROOT]: { may: [], why: "everything imports the root files, so they import no folder" },
  scheduler: { may: [ROOT], why: "it runs jobs and knows none of them" },
  ledger: { may: [ROOT], why: "booking is a pure function of account and readings" },
  policy: { may: [ROOT, "ledger"], why: "a verdict follows from the accounts alone" },
  kernel: { may: [ROOT], why: "it is the one place with foreign functions, and knows no user" },
  sources: { may: [ROOT, "kernel"], types: ["ledger"], why: "a source reads counters; it books nothing" },
  storage: { may: [ROOT, "ledger"], why: "it keeps what the ledger says; it judges nothing" },
  enforcement: {
    may: [ROOT, "policy", "kernel", "sources"],
    types: ["ledger"],
    why: "an enforcer carries verdicts out; it neither books nor saves",
  },
  daemon: { may: EVERYTHING, why: "it joins the parts between the seams" },
  control: { may: [ROOT], types: ["daemon"], why: "it serves whatever daemon it is handed" },
  demo: { may: [ROOT], why: "it stands in for an engine, which knows nothing of us" },
  faces: { may: EVERYTHING, why: "they are the edge" },
  hosts: { may: [ROOT], why: "host capture is a sibling of the quota pipeline", planned: true },
  history: {
    may: [ROOT, "kernel"],
    types: ["ledger", "sources", "daemon"],
    why: "it lives in a thread of its own and is told what happened",
    planned: true,
  },
  fleet: { may: [ROOT, "ledger"], why: "it shares quotas, whichever engine counts them", planned: true },
};

/** They build the parts and hand them to the scheduler; each is its own place in the order of imports. */
const COMPOSITION_ROOTS = ["cli.ts", "enforce.ts", "capture.ts", "web.ts", "up.ts"];

/** Each takes values and answers with values: no I/O, clock, environment, randomness, log or state of its own. */
const PURE: readonly RegExp[] = [
  /^(ledger|policy|hosts\/parsers)\//,
  /^enforcement\/plan[^/]*\.ts$/,
  /^(units|names|errors|sizes|jsonc|json-fault|rules)\.ts$/,
];

const IMPURE =
  /\bDate\.now\(|\bnew Date\(\)|\bperformance\b|\bprocess\b|\bsetTimeout\(|\bsetInterval\(|\bMath\.random\(|\bconsole\b|\bfetch\(|from "node:|import\(|^(?:export )?let /gm;

/** Where each package may be imported; nothing else is imported at all. */
const PACKAGES: Readonly<Record<string, { readonly where: RegExp; readonly why: string }>> = {
  "@grpc/grpc-js": { where: /./, why: "engines and the control socket speak gRPC" },
  "@grpc/proto-loader": { where: /./, why: "engines and the control socket speak gRPC" },
  "write-file-atomic": { where: /./, why: "a file is written whole or not at all" },
  commander: { where: /./, why: "commands have options" },
  luxon: { where: /^calendar\.ts$|^faces\//, why: "zones are known in one place, and never in the tick" },
  koffi: { where: /^kernel\//, why: "foreign functions can crash the process: they stay in one folder" },
};

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

interface Source {
  /** Below src/, with "/" between. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => sourceOf(path, readFileSync(join(SRC, path), "utf8")));
const pureFiles = new Set(sources.filter(isPure).map(({ path }) => path));

describe("the source tree", () => {
  test("has imports to look at in every folder", () => {
    const empty = [...new Set(sources.map(({ path }) => placeOf(path)))].filter((place) =>
      sources.every((source) => placeOf(source.path) !== place || source.imports.length === 0),
    );
    expect(empty.filter((place) => !COMPOSITION_ROOTS.includes(place))).toEqual([]);
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
      want: 'control/a.ts imports "../daemon/b.ts": control may import root, types of daemon',
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
    { name: "the environment", text: 'const home = process.env["HOME"];', want: "process" },
    { name: "chance", text: "const x = Math.random();", want: "Math.random(" },
    { name: "a file", text: 'import { readFile } from "node:fs/promises";', want: 'from "node:' },
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

function importComplaints({ path, imports }: Source): string[] {
  const place = placeOf(path);
  return imports.flatMap(({ from, typeOnly }) => {
    const target = targetOf(path, from);
    const to = target === undefined ? place : placeOf(target);
    if (to === place) return [];
    const why = refusalOf(place, to, typeOnly);
    return why === undefined ? [] : [`${path} imports "${from}": ${why}`];
  });
}

/** Why `place` may not import `to`, or undefined if it may. */
function refusalOf(place: string, to: string, typeOnly: boolean): string | undefined {
  const composes = COMPOSITION_ROOTS.includes(place);
  if (to === "faces") return place === "cli.ts" ? undefined : "only cli.ts may import faces";
  if (COMPOSITION_ROOTS.includes(to)) {
    return composes || place === "faces"
      ? undefined
      : "only composition roots and faces may import composition roots";
  }
  const folder = FOLDERS[place];
  if (composes || folder?.may === EVERYTHING) return undefined;
  const { may = [], types = [], why } = folder ?? {};
  if (may.includes(to) || (typeOnly && types.includes(to))) return undefined;
  const allowed = [...may, ...types.map((one) => `types of ${one}`)].join(", ") || "nothing else";
  return `${place} may import ${allowed} (${why})`;
}

function packageComplaints({ path, imports }: Source): string[] {
  return imports.flatMap(({ from }) => {
    if (from.startsWith(".") || from.startsWith("node:")) return [];
    const name = from
      .split("/")
      .slice(0, from.startsWith("@") ? 2 : 1)
      .join("/");
    const rule = PACKAGES[name];
    if (!rule) return [`${path} imports "${from}": known packages are ${Object.keys(PACKAGES).join(", ")}`];
    return rule.where.test(path) ? [] : [`${path} imports "${from}": ${rule.why}`];
  });
}

function shapeComplaints({ path, text }: Source): string[] {
  const drawer = ["index.ts", "utils.ts"].includes(basename(path));
  return [
    ...(drawer ? [`${path}: a file is named for its one idea`] : []),
    ...(/^export (?:default\b|\{[^}]*\bas default\b)/m.test(text)
      ? [`${path}: a default export has no name`]
      : []),
  ];
}

function purityComplaints({ path, text, imports }: Source, pure: ReadonlySet<string>): string[] {
  const used = text.match(IMPURE) ?? [];
  const foreign = imports
    .filter(
      ({ from, typeOnly }) => !typeOnly && from.startsWith(".") && !pure.has(targetOf(path, from) ?? ""),
    )
    .map(({ from }) => from);
  return [...used, ...foreign].map((what) => `${path} is pure and must not use ${what}`);
}

/** Those the plan lists, and those that say so of themselves in their first comment. */
function isPure({ path }: Source): boolean {
  const [head = ""] = /^\/\*\*[^]*?\*\//.exec(readFileSync(join(SRC, path), "utf8")) ?? [];
  return PURE.some((pattern) => pattern.test(path)) || /^ \* Pure: /m.test(head);
}

function sourceOf(path: string, written: string): Source {
  const text = withoutComments(written);
  const imports = [...text.matchAll(IMPORT)].map(({ groups }) => ({
    from: groups?.["static"] ?? groups?.["late"] ?? "",
    typeOnly: isTypeOnly(groups?.["what"] ?? ""),
  }));
  return { path, text, imports };
}

/** `what` stands between "import" and "from": "type { A } ", "{ type A, b } ", "" for a bare import. */
function isTypeOnly(what: string): boolean {
  if (/^type\b/.test(what)) return true;
  const names = /^\{([^]*)\}\s*$/
    .exec(what)?.[1]
    ?.split(",")
    .map((name) => name.trim());
  return names?.every((name) => name === "" || name.startsWith("type ")) ?? false;
}

const IMPORT =
  /^(?:import|export)\s+(?:(?<what>[^"';]*?)\s*\bfrom\s+)?"(?<static>[^"]+)"|(?:\bimport|\brequire|\bcreateRequire\([^)]*\))\("(?<late>[^"]+)"\)/gm;

/** Strings are matched first, so that a "//" in one of them stays. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[^])*`)|\/\/[^\n]*|\/\*[^]*?\*\//g,
    (_, literal: string | undefined) => literal ?? " ",
  );
}

/** The file below src/ that a relative import names; undefined for a package and for what lies outside. */
function targetOf(path: string, from: string): string | undefined {
  const target = from.startsWith(".") ? normalize(join(dirname(path), from)) : "..";
  return target.startsWith("..") ? undefined : target;
}

function placeOf(path: string): string {
  if (COMPOSITION_ROOTS.includes(path)) return path;
  return path.includes("/") ? (path.split("/")[0] ?? "") : ROOT;
}

function placesImported(files: readonly Source[]): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    const place = placeOf(path);
    const reached = graph.getOrInsertComputed(place, () => new Set());
    for (const { from } of imports) {
      const target = targetOf(path, from);
      if (target !== undefined && placeOf(target) !== place) reached.add(placeOf(target));
    }
  }
  return graph;
}

/** A way from a place back to itself, or undefined if there is none. */
function circleIn(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const walk = (place: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(place)) return [...way.slice(way.indexOf(place)), place];
    if (done.has(place)) return undefined;
    for (const next of graph.get(place) ?? []) {
      const circle = walk(next, [...way, place]);
      if (circle) return circle;
    }
    done.add(place);
    return undefined;
  };
  for (const place of graph.keys()) {
    const circle = walk(place, []);
    if (circle) return circle;
  }
  return undefined;
}
