/**
 * `xray setup`: shows what an engine's config needs, and on a yes changes the
 * file, tested by the engine itself, and restarts the engine once.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { systemClock } from "../../clock.ts";
import type { Settings } from "../../config.ts";
import { enginePid, loopbackOf, testForEngine } from "../../daemon/engine-process.ts";
import { editConfigFile } from "../../enforcement/xray/config-file.ts";
import { planSetup } from "../../enforcement/xray/setup-plan.ts";
import { planUndo } from "../../enforcement/xray/setup-undo.ts";
import { RefusedRequestError } from "../../errors.ts";
import { userName } from "../../names.ts";
import { readEngineConfig } from "../../sources/xray/engine-config.ts";
import { daemonDesk, withDesk } from "./access.ts";
import { canAsk, isAgreed } from "./consent.ts";
import { followSetup } from "./drop-in.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";
import { chooseEngine, type FoundEngine, factsOf, findEngine } from "./setup-engine.ts";
import {
  readSetupFile,
  restoreSetupFile,
  type SetupFile,
  setupFilePath,
  writeSetupFile,
} from "./setup-file.ts";

export interface SetupOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly undo?: boolean;
  readonly engine?: string;
  readonly yes?: boolean;
  /** False to leave the restart to the operator. */
  readonly restart: boolean;
}

/** What is to be done to the file; nothing if `text` is what stands there. */
interface Proposal {
  readonly before: string;
  readonly text: string;
  readonly changes: readonly string[];
  readonly left: readonly string[];
  /** What to keep once it is done; undefined to forget it. */
  readonly keep: SetupFile | undefined;
}

/** systemd itself gives a unit 90 s to stop and 90 s to start. */
const RESTART_DEADLINE_MS = 200_000;
/** How long the engine's API may take to listen again. */
const RETURN_MS = 10_000;

export async function setupXray(options: SetupOptions): Promise<void> {
  const settings = await settingsFor(options);
  const engine = await findEngine(chooseEngine(settings, options.engine));
  const file = setupFilePath(settings, engine.settings.name);
  const kept = await readSetupFile(file);
  const proposal = options.undo ? await undoOf(engine, kept, file) : await setupOf(settings, engine, kept);
  const changed = proposal.text !== proposal.before;
  if (!options.json) process.stdout.write(proposalText(engine.path, proposal));
  const report = (done: boolean, notes: readonly string[]) => {
    const { changes, left } = proposal;
    const diff = diffOf(engine.path, proposal);
    answer(options, { path: engine.path, changes, left, diff, done, notes }, () => notes.join("\n"));
  };
  if (!changed) {
    if (options.undo) await restoreSetupFile(file, undefined);
    return report(false, ["Nothing to change."]);
  }
  if (!options.yes && !canAsk(options)) {
    report(false, ["Nothing was changed."]);
    throw new RefusedRequestError(
      `Cannot change "${engine.path}": expected --yes, since nobody can be asked here`,
    );
  }
  if (!options.yes && !(await isAgreed("Change the file?"))) return report(false, ["Nothing was changed."]);
  report(true, await carryOut(settings, engine, proposal, file, kept, options));
}

async function setupOf(
  settings: Settings,
  engine: FoundEngine,
  kept: SetupFile | undefined,
): Promise<Proposal> {
  const before = await readFile(engine.path, "utf8");
  const facts = await factsOf(engine);
  const users = readEngineConfig(before.replace(/^\uFEFF/, "")).inbounds.flatMap(({ clients }) =>
    clients.map(({ email }) => email),
  );
  const rows = await withDesk(settings, (desk) => desk.listGates([...new Set(users)]));
  const gates = rows.map(({ number, mark, users: names }) => ({ number, mark, users: names.map(userName) }));
  const earlier = kept?.config === engine.path ? kept : undefined;
  const { text, changes, left, record } = planSetup(before, { ...facts, gates }, earlier);
  return { before, text, changes, left, keep: { ...record, config: engine.path, backup: null } };
}

async function undoOf(engine: FoundEngine, kept: SetupFile | undefined, file: string): Promise<Proposal> {
  if (!kept)
    throw new RefusedRequestError(
      `Cannot undo the setup of "${engine.settings.name}": there is no "${file}"`,
    );
  if (kept.config !== engine.path) {
    throw new RefusedRequestError(
      `Cannot undo the setup of "${engine.settings.name}": it changed "${kept.config}", the engine reads "${engine.path}" now`,
    );
  }
  const before = await readFile(engine.path, "utf8");
  const { text, original, left } = planUndo(before, kept);
  if (engine.pid === undefined && !original) {
    throw new RefusedRequestError(
      `Cannot undo the setup of "${engine.settings.name}": expected a running engine to test the file, which was changed since; as it was before the last setup: ${kept.backup}`,
    );
  }
  const change = original ? "the file is put back byte for byte" : "what setup added is taken out";
  return { before, text, changes: text === before ? [] : [change], left, keep: undefined };
}

/** What was done, a sentence each. What is to be kept is on the disk before the file changes, or nobody could undo it. */
async function carryOut(
  settings: Settings,
  engine: FoundEngine,
  { before, text, keep }: Proposal,
  file: string,
  kept: SetupFile | undefined,
  options: SetupOptions,
): Promise<string[]> {
  const { pid, path } = engine;
  if (keep) await writeSetupFile(file, keep);
  let backup: string | undefined;
  try {
    ({ backup } = await editConfigFile({
      path,
      edit: (found) => {
        if (found === before) return text;
        throw new RefusedRequestError(`Cannot change "${path}": it was changed meanwhile; look at it again`);
      },
      // Without an engine to ask, only the file that it ran on before comes back.
      test: pid === undefined ? undefined : (candidate) => testForEngine(pid, candidate),
      now: systemClock.unix(),
    }));
  } catch (error) {
    await restoreSetupFile(file, kept);
    throw error;
  }
  await restoreSetupFile(file, keep && { ...keep, backup: backup ?? null });
  const done = `Changed ${path}${backup === undefined ? "" : `; as it was: ${backup}`}`;
  const dropIn = await followSetup(engine.settings, options.config, options.undo === true);
  return [done, ...(dropIn === undefined ? [] : [dropIn]), await restart(settings, engine, options)];
}

/** With a last look of the daemon's first, if one runs: the engine's counters die with it. */
async function restart(
  settings: Settings,
  { settings: { name, service, api } }: FoundEngine,
  options: SetupOptions,
): Promise<string> {
  if (service === null) return "Restart the engine for it to take effect (xray.service is null).";
  if (!options.restart) return `For it to take effect: systemctl restart ${service}`;
  const daemon = await daemonDesk(settings);
  await daemon?.client.lastLook(name).catch(() => undefined); // one it does not know yet has nothing to lose
  daemon?.client[Symbol.dispose]();
  await promisify(execFile)("systemctl", ["restart", service], { timeout: RESTART_DEADLINE_MS });
  if (loopbackOf(api) === undefined) return `Restarted ${service}.`;
  for (let waited = 0; waited < RETURN_MS; waited += 100) {
    if (enginePid(api) !== undefined) return `Restarted ${service}; its API listens at ${api}.`;
    await delay(100);
  }
  return `Restarted ${service}, but nobody listens at ${api} yet: look at systemctl status ${service}, or take it back with --undo.`;
}

function proposalText(path: string, proposal: Proposal): string {
  const lines = (title: string, items: readonly string[]) =>
    items.length === 0 ? [] : [title, ...items.map((item) => `  ${item}`), ""];
  return [
    ...lines(`In ${path}:`, proposal.changes),
    ...lines("As it is:", proposal.left),
    ...(proposal.text === proposal.before ? [] : [diffOf(path, proposal), ""]),
  ].join("\n");
}

function diffOf(path: string, { before, text }: Proposal): string {
  if (before === text) return "";
  const options = { context: 2, headerOptions: FILE_HEADERS_ONLY };
  return createTwoFilesPatch(path, path, before, text, undefined, undefined, options).trimEnd();
}
