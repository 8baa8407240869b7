/**
 * The plan of the source tree: which folder may import which, what is pure,
 * which packages are used where; and the complaints about a file that breaks it.
 */
import { basename } from "node:path";
import { type Source, targetOf } from "./architecture-sources.ts";

/** Files directly below src/, but for the composition roots. */
export const ROOT = "root";
const EVERYTHING = ["everything"];
/** A face with a composition root of its own. */
const WEB_FACE = "faces/web";

interface Folder {
  /** Folders it may import beside itself; those of `types` with `import type` alone. */
  readonly may: readonly string[];
  readonly types?: readonly string[];
  readonly why: string;
  /** Set until the folder is begun; a test asks for its removal then. */
  readonly planned?: true;
}

export const FOLDERS: Readonly<Record<string, Folder>> = {
  [ROOT]: { may: [], why: "everything imports the root files, so they import no folder" },
  scheduler: { may: [ROOT], why: "it runs jobs and knows none of them" },
  ledger: { may: [ROOT], why: "booking is a pure function of account and readings" },
  policy: { may: [ROOT, "ledger"], why: "a verdict follows from the accounts alone" },
  kernel: { may: [ROOT], why: "it is the one place with foreign functions, and knows no user" },
  logs: { may: [ROOT], why: "lines of other programs' logs mean something to others" },
  sources: {
    may: [ROOT, "kernel", "logs"],
    types: ["ledger"],
    why: "a source reads counters; it books nothing",
  },
  storage: { may: [ROOT, "ledger"], why: "it keeps what the ledger says; it judges nothing" },
  enforcement: {
    may: [ROOT, "policy", "kernel", "logs", "sources"],
    types: ["ledger"],
    why: "an enforcer carries verdicts out; it neither books nor saves",
  },
  daemon: { may: EVERYTHING, why: "it joins the parts between the seams" },
  control: { may: [ROOT, "kernel"], types: ["daemon"], why: "it serves whatever daemon it is handed" },
  demo: { may: [ROOT], why: "it stands in for an engine, which knows nothing of us" },
  faces: { may: EVERYTHING, why: "they are the edge" },
  [WEB_FACE]: { may: EVERYTHING, why: "it is the one face that runs by itself: web.ts puts it together" },
  hosts: { may: [ROOT, "logs"], why: "host capture is a sibling of the quota pipeline" },
  history: {
    may: [ROOT, "kernel", "logs"],
    types: ["ledger", "sources", "daemon"],
    why: "it lives in a thread of its own and is told what happened",
  },
  fleet: { may: [ROOT, "ledger"], why: "it shares quotas, whichever engine counts them", planned: true },
};

/** They build the parts and hand them to the scheduler; each is its own place in the order of imports. */
export const COMPOSITION_ROOTS = ["cli.ts", "enforce.ts", "capture.ts", "web.ts", "up.ts"];

/** Each takes values and answers with values: no I/O, clock, environment, randomness, log or state of its own. */
const PURE: readonly RegExp[] = [
  /^(ledger|policy|hosts\/parsers|hosts\/packets)\//,
  /^enforcement\/plan[^/]*\.ts$/,
  /^enforcement\/xray\/(two-counts|gate-proof|spliced|setup-(plan|undo|gates|api)|config-(layout|additions|text))\.ts$/,
  /^sources\/xray\/(user-route|engine-routing|gate-names)\.ts$/,
  /^daemon\/stop-step\.ts$/,
  /^(units|names|errors|sizes|jsonc|json-fault|rules)\.ts$/,
];

/** A cipher or a digest is a function of its input, and Node's are the ones to have: one file may use them and nothing else. */
const CIPHERS: Readonly<Record<string, string>> = { "hosts/parsers/quic-keys.ts": 'from "node:crypto"' };

/** Node's `process` is told by its members: an engine's process may well be a value of that name. */
const IMPURE =
  /\bDate\.now\(|\bnew Date\(\)|\bperformance\b|(?<![.\w])process(?:\[|\.(?:env|argv|hrtime|uptime|cwd|exit\w*|on|once|kill|emit\w*|std\w+|nextTick|platform|arch|getuid)\b)|= process;|\bsetTimeout\(|\bsetInterval\(|\bMath\.random\(|\bconsole\b|\bfetch\(|from "node:[^"]*"|\brandom(?:Bytes|Fill|Int|UUID)|import\(|^(?:export )?let /gm;

/** Where each package may be imported; nothing else is imported at all. */
const PACKAGES: Readonly<Record<string, { readonly where: RegExp; readonly why: string }>> = {
  "@grpc/grpc-js": { where: /./, why: "engines and the control socket speak gRPC" },
  "@grpc/proto-loader": { where: /./, why: "engines and the control socket speak gRPC" },
  "write-file-atomic": { where: /./, why: "a file is written whole or not at all" },
  diff: { where: /^faces\/cli\//, why: "a person reads a change before it is made" },
  commander: { where: /./, why: "commands have options" },
  "string-width": { where: /^faces\/terminal\//, why: "how wide a letter is, is a table of Unicode's" },
  luxon: { where: /^calendar\.ts$|^faces\//, why: "zones are known in one place, and never in the tick" },
  hono: { where: /^faces\/web\//, why: "the web is a face" },
  "@hono/node-server": { where: /^faces\/web\//, why: "the web is a face" },
  ws: { where: /^faces\/web\//, why: "the web is a face" },
  maxmind: { where: /^faces\/web\//, why: "whose country an address is in, only the web shows" },
  "prom-client": { where: /^faces\/web\//, why: "figures are scraped from the web, never from the tick" },
  preact: { where: /^faces\/web\/page\//, why: "what a browser runs" },
  "@preact/signals": { where: /^faces\/web\/page\//, why: "what a browser runs" },
  uplot: { where: /^faces\/web\/page\//, why: "what a browser runs" },
  koffi: { where: /^kernel\//, why: "foreign functions can crash the process: they stay in one folder" },
};

/** What the page may take from outside itself, as a value or as a type alone: a browser has none of the rest. */
const PAGE = "faces/web/page/";
const PAGE_PACKAGES: readonly string[] = ["preact", "@preact/signals", "uplot"];
const PAGE_MAY: readonly string[] = ["sizes.ts", "units.ts"];
const PAGE_MAY_TYPES: readonly string[] = ["faces/web/wire.ts", "control/rows.ts"];

export function pageComplaints({ path, imports }: Source): string[] {
  if (!path.startsWith(PAGE)) return [];
  return imports
    .filter(({ from, typeOnly }) => {
      const target = targetOf(path, from);
      if (target === undefined) return !PAGE_PACKAGES.includes(packageOf(from));
      return (
        !target.startsWith(PAGE) &&
        !PAGE_MAY.includes(target) &&
        !(typeOnly && PAGE_MAY_TYPES.includes(target))
      );
    })
    .map(
      ({ from }) =>
        `${path} imports "${from}": the page may import itself, its own packages, ${PAGE_MAY.join(", ")}, types of ${PAGE_MAY_TYPES.join(", ")}`,
    );
}

export function importComplaints({ path, imports }: Source): string[] {
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
  if (to === WEB_FACE) {
    return ["web.ts", "faces"].includes(place) ? undefined : "only web.ts and the other faces may import it";
  }
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

export function packageComplaints({ path, imports }: Source): string[] {
  return imports.flatMap(({ from }) => {
    if (from.startsWith(".") || from.startsWith("node:")) return [];
    const rule = PACKAGES[packageOf(from)];
    if (!rule) return [`${path} imports "${from}": known packages are ${Object.keys(PACKAGES).join(", ")}`];
    return rule.where.test(path) ? [] : [`${path} imports "${from}": ${rule.why}`];
  });
}

/** "hono/cookie" is of "hono", "@hono/node-server/x" of "@hono/node-server". */
function packageOf(from: string): string {
  return from
    .split("/")
    .slice(0, from.startsWith("@") ? 2 : 1)
    .join("/");
}

export function shapeComplaints({ path, text }: Source): string[] {
  const drawer = /^(?:index|utils)\.tsx?$/.test(basename(path));
  return [
    ...(drawer ? [`${path}: a file is named for its one idea`] : []),
    ...(/^export (?:default\b|\{[^}]*\bas default\b)/m.test(text)
      ? [`${path}: a default export has no name`]
      : []),
  ];
}

export function purityComplaints({ path, text, imports }: Source, pure: ReadonlySet<string>): string[] {
  const used = (text.match(IMPURE) ?? []).filter((what) => what !== CIPHERS[path]);
  const foreign = imports
    .filter(
      ({ from, typeOnly }) => !typeOnly && from.startsWith(".") && !pure.has(targetOf(path, from) ?? ""),
    )
    .map(({ from }) => from);
  return [...used, ...foreign].map((what) => `${path} is pure and must not use ${what}`);
}

/** Those the plan lists, and those that say so of themselves in their first comment. */
export function isPure({ path, head }: Source): boolean {
  return PURE.some((pattern) => pattern.test(path)) || /^ \* Pure: no clock, no I\/O/m.test(head);
}

export function placeOf(path: string): string {
  if (COMPOSITION_ROOTS.includes(path)) return path;
  if (path.startsWith(`${WEB_FACE}/`)) return WEB_FACE;
  return path.includes("/") ? (path.split("/")[0] ?? "") : ROOT;
}

export function placesImported(files: readonly Source[]): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const { path, imports } of files) {
    const place = placeOf(path);
    const reached = graph.get(place) ?? new Set();
    graph.set(place, reached);
    for (const { from } of imports) {
      const target = targetOf(path, from);
      if (target !== undefined && placeOf(target) !== place) reached.add(placeOf(target));
    }
  }
  return graph;
}

/** A way from a place back to itself, or undefined if there is none. */
export function circleIn(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
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
