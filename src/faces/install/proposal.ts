/** What an installation would change on a host, and needs to know for it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RefusedRequestError } from "../../errors.ts";
import { look } from "./changes.ts";
import { LIBRARY, layoutOf, OWN_NODE, PROGRAM, RECORD, SETTINGS, UNITS, type Wanted } from "./layout.ts";
import { CHANGED, planStep, type Step } from "./plan.ts";
import {
  filesBelow,
  isThere,
  type ProgramFiles,
  programFile,
  recoverProgram,
  sameProgram,
  sha256Of,
} from "./program-folder.ts";
import { readRecord } from "./record.ts";
import { ASIDE, type Installed } from "./record-types.ts";
import type { Services } from "./services.ts";
import { OLD_UNITS, type ShellScripts } from "./shell-scripts.ts";

export interface InstallOptions {
  /** "/", or a folder that is to become one. */
  readonly root: string;
  /** The unpacked package. */
  readonly source: string;
  readonly version: string;
  /** The node binary to run under. */
  readonly node: string;
  /** Take that binary along: it is not the host's. */
  readonly copyNode: boolean;
  readonly completion: string;
  readonly manPage: string;
  readonly services: Services | undefined;
}

/** What people decide; asked for before anything is done. */
export interface Choices {
  readonly mode: "observe" | "enforce";
  /** Units that start at boot, and now. */
  readonly enabled: readonly string[];
}

/** All there is to know before anything is changed. */
export interface Proposal {
  readonly steps: readonly Step[];
  /** Undefined if the program is as it should be. */
  readonly program: { readonly files: ProgramFiles; readonly aside: boolean } | undefined;
  readonly files: ProgramFiles;
  readonly settings: "keep" | "observe" | "enforce";
  /** Moved aside without anything in their place. */
  readonly asides: readonly string[];
  /** Files that an earlier version wrote and this one does not have. */
  readonly dropped: readonly string[];
  /** Of the program's own, changed by hand since: they are replaced. */
  readonly changed: readonly string[];
  readonly record: Installed | undefined;
  /** Folders that are not there, the outer before the inner. */
  readonly folders: readonly string[];
  readonly node: string;
  /** Units that run and must not while they are replaced. */
  readonly running: readonly string[];
  readonly enabled: readonly string[];
}

/** Looks at the host, and changes nothing but what an installation that was killed left half done. */
export async function propose(
  options: InstallOptions,
  choices: Choices,
  scripts: ShellScripts,
): Promise<Proposal> {
  const { root, source, node, copyNode, services } = options;
  await recoverProgram(root);
  const record = await readRecord(root);
  const shipped = new Map<string, string>();
  const files = new Map(filesBelow(source));
  for (const [path, file] of files)
    if (path.startsWith("systemd/") || path === `scripts/${LIBRARY}`)
      shipped.set(path, await readFile(file.source, "utf8"));
  if (copyNode) files.set(OWN_NODE.slice(PROGRAM.length + 1), { ...programFile(node), executable: true });
  const used = copyNode ? OWN_NODE : node;
  const wanted = layoutOf({
    node: used,
    shipped: (name) => shipped.get(name) ?? refuse(name),
    completion: options.completion,
    manPage: options.manPage,
    enabled: choices.enabled,
    oldCommands: [...new Set([...scripts.commands, ...linksInBin(record)])],
  });
  const steps: Step[] = [];
  for (const each of wanted) steps.push(planStep(await sightOf(root, each), record));
  const present = filesBelow(join(root, PROGRAM));
  const place = await isThere(join(root, PROGRAM));
  const same = sameProgram(files, present);
  const asideTaken = await isThere(join(root, `${PROGRAM}${ASIDE}`));
  const aside = !same && place && (record === undefined || (record.programAside && !asideTaken));
  if (aside && asideTaken) {
    throw new RefusedRequestError(
      `Cannot install "${PROGRAM}": what is there would be kept as "${PROGRAM}${ASIDE}", and that is there too`,
    );
  }
  const running: string[] = [];
  if (services) for (const unit of OLD_UNITS) if (await services.isActive(unit)) running.push(unit);
  return {
    ...{ steps, files, record, node: used, running, enabled: choices.enabled },
    program: same ? undefined : { files, aside },
    folders: await missingFolders(root, [
      PROGRAM,
      RECORD,
      ...wanted.map(({ kind, path }) => (kind === "folder" ? `${path}/` : path)),
    ]),
    settings: (await isThere(join(root, SETTINGS))) ? "keep" : choices.mode,
    asides: scripts.starters,
    dropped: [...(record?.files ?? []), ...(record?.links ?? [])]
      .map(({ path }) => path)
      .filter((path) => !wanted.some((each) => each.path === path)),
    changed: [...present]
      .filter(([path, { sha256 }]) => !aside && record && record.program[path] !== sha256)
      .map(([path]) => join(PROGRAM, path)),
  };
}

/** Whether the host is as it should be already. */
export function isDone({ steps, program, settings, asides, dropped, record }: Proposal): boolean {
  const kept = steps.every(({ kind }) => kind === "keep");
  const nothingOld = asides.length === 0 && dropped.length === 0;
  return kept && program === undefined && settings === "keep" && nothingOld && record?.complete === true;
}

/** @param paths of files, and of folders with a slash behind them. */
async function missingFolders(root: string, paths: readonly string[]): Promise<readonly string[]> {
  const folders = new Set<string>();
  for (const path of paths)
    for (let end = path.indexOf("/", 1); end > 0; end = path.indexOf("/", end + 1))
      folders.add(path.slice(0, end));
  const missing: string[] = [];
  for (const folder of [...folders].sort()) if (!(await isThere(join(root, folder)))) missing.push(folder);
  return missing;
}

async function sightOf(root: string, wanted: Wanted) {
  const path = join(root, wanted.path);
  return {
    wanted,
    sha256: wanted.kind === "file" ? sha256Of(wanted.text) : "",
    found: await look(path),
    asideTaken: await isThere(`${path}${ASIDE}`),
    changedTaken: await isThere(`${path}${CHANGED}`),
  };
}

/** Links that stand for the scripts' commands already: an upgrade keeps them. */
function linksInBin(record: Installed | undefined): string[] {
  return (record?.links ?? []).map(({ path }) => path).filter((path) => !path.startsWith(UNITS));
}

function refuse(name: string): never {
  throw new Error(`Cannot install from this package: it has no "${name}"`);
}
