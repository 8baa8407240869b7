/**
 * `openvpn setup`: shows what the servers' configs need, and on a yes changes
 * them, with a copy kept. No server is restarted: each restart throws all its
 * clients out for some seconds, so the operator chooses when.
 */
import { readFile } from "node:fs/promises";
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { systemClock } from "../../clock.ts";
import type { Settings } from "../../config.ts";
import { hookKind } from "../../enforcement/openvpn/hook-kind.ts";
import { planSetup, type SetupFacts } from "../../enforcement/openvpn/setup-plan.ts";
import { withoutSetup } from "../../enforcement/openvpn/setup-text.ts";
import { editConfigFile } from "../../enforcement/xray/config-file.ts";
import { codeOf, RefusedRequestError, reasonOf } from "../../errors.ts";
import { printable } from "../../log.ts";
import { wordsOf } from "../../sources/openvpn/config-lines.ts";
import { thisHost } from "../doctor/host.ts";
import { canAsk, isAgreed } from "./consent.ts";
import { followServerSetup, makeFolders, ownerOf } from "./openvpn-folders.ts";
import { type ChosenServer, chooseServers, factsOf } from "./openvpn-server.ts";
import { entryOf, isSaid, type SettingsEntry, settingsWith, writeSettings } from "./openvpn-settings.ts";
import {
  type OpenvpnSetupFile,
  openvpnSetupPath,
  openvpnSetups,
  readOpenvpnSetup,
  restoreOpenvpnSetup,
  writeOpenvpnSetup,
} from "./openvpn-setup-file.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

export interface OpenvpnSetupOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly undo?: boolean;
  readonly server?: string;
  readonly yes?: boolean;
  readonly clientAuth?: boolean;
  /** Refuse rather than take another program's hook out. */
  readonly keepHooks?: boolean;
  /** Agreed already: another program's hook goes, whatever it is for. */
  readonly replaceHooks?: boolean;
}

/** What is to be done to one file; nothing if `text` is what stands there. */
interface Proposal {
  readonly server: string;
  readonly path: string;
  readonly unit: string | undefined;
  readonly before: string;
  readonly text: string;
  readonly changes: readonly string[];
  /** What goes with it that its server may need. */
  readonly warnings: readonly string[];
}

interface Report extends Omit<Proposal, "before" | "text" | "unit"> {
  readonly diff: string;
  readonly done: boolean;
  /** What was done, or is left to do; a sentence each. */
  readonly notes: readonly string[];
}

/** @throws {RefusedRequestError} for a config that must not be changed; those before it are done. */
export async function setupOpenvpn(options: OpenvpnSetupOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw new RefusedRequestError("Cannot set up OpenVPN: expected root (sudo)");
  const settings = await settingsFor(options);
  const reports = options.undo ? await undoAll(settings, options) : await setupAll(settings, options);
  if (options.json) answer(options, reports, () => "");
}

async function setupAll(settings: Settings, options: OpenvpnSetupOptions): Promise<readonly Report[]> {
  const reports: Report[] = [];
  const entries: SettingsEntry[] = [];
  const servers = chooseServers(settings, options.server);
  for (const server of servers) {
    try {
      const facts = factsOf(settings, server, { clientAuth: options.clientAuth === true });
      const { proposal, done, notes } = await setUp(settings, server, facts, options);
      const entry = entryOf(server, facts);
      if ((done || proposal.text === proposal.before) && !isSaid(server, entry)) entries.push(entry);
      reports.push(report(options, proposal, done, notes));
    } catch (error) {
      // One that is left alone keeps no other from being set up.
      if (!(error instanceof RefusedRequestError) || servers.length === 1) throw error;
      process.stderr.write(`sluice: ${printable(error.message)}\n`);
      process.exitCode = 1;
    }
  }
  if (entries.length > 0) await tellSettings(settings, entries, options);
  return reports;
}

async function setUp(
  settings: Settings,
  server: ChosenServer,
  facts: SetupFacts,
  options: OpenvpnSetupOptions,
) {
  const proposal = await proposalFor(server, facts, options);
  show(options, proposal);
  const isDone = await isWanted(proposal, options);
  return {
    proposal,
    done: isDone,
    notes: isDone ? await carryOut(settings, server, proposal) : [nothing(proposal)],
  };
}

async function proposalFor(
  server: ChosenServer,
  facts: SetupFacts,
  options: OpenvpnSetupOptions,
): Promise<Proposal> {
  const before = await readFile(server.config, "utf8");
  const plan = ofFile(server.config, () => planSetup(before, facts));
  const warnings = plan.replacedHooks.map((command) => `${hookText(command)}: ${command}`);
  const [first] = plan.replacedHooks;
  if (first !== undefined && options.keepHooks) {
    throw new RefusedRequestError(
      `Cannot set up "${server.config}": a hook of another program's is there (${first}), and OpenVPN runs one of each`,
    );
  }
  const { name, config: path, unit } = server;
  const [changes, lost] = plan.text === before ? [[], []] : [plan.changes, warnings];
  return { server: name, path, unit, before, text: plan.text, changes, warnings: lost };
}

/** What is lost with another program's hook. */
function hookText(command: string): string {
  const [program = ""] = wordsOf(command, () => undefined) ?? [];
  const host = thisHost();
  let text: string | undefined;
  try {
    // An interpreter's script is its first argument.
    const words = wordsOf(command, () => undefined) ?? [];
    const script = /\/(?:env|sh|bash|dash|python[\d.]*|perl)$/.test(program) ? words[1] : program;
    text = script === undefined ? undefined : host.read(script);
  } catch {
    text = undefined;
  }
  switch (hookKind(text)) {
    case "monitor":
      return "a monitor's hook goes, whose bytes Sluice counts";
    case "needed":
      return "WARNING: a hook goes that lets clients in or configures them";
    case "unknown":
      return "WARNING: a hook goes, and what it is for cannot be told";
  }
}

/** @throws {RefusedRequestError} where nobody can be asked, or a hook that may be needed would go unasked. */
async function isWanted(proposal: Proposal, options: OpenvpnSetupOptions): Promise<boolean> {
  const { before, text, path, warnings } = proposal;
  if (text === before) return false;
  const grave = warnings.filter((warning) => warning.startsWith("WARNING"));
  if (options.yes) {
    if (grave.length === 0 || options.replaceHooks) return true;
    throw new RefusedRequestError(
      `Cannot change "${path}" unasked: ${grave.join("; ")}; expected --replace-hooks as well`,
    );
  }
  if (!canAsk(options)) {
    throw new RefusedRequestError(`Cannot change "${path}": expected --yes, since nobody can be asked here`);
  }
  if (grave.length > 0 && !options.replaceHooks && !(await isAgreed("Take that hook out?"))) return false;
  return isAgreed("Change the file?");
}

/** What was done, a sentence each. The record is on the disk before the file changes, or nobody could undo it. */
async function carryOut(settings: Settings, server: ChosenServer, proposal: Proposal): Promise<string[]> {
  const owner = ownerOf(server.content.user, server.content.group);
  const path = openvpnSetupPath(settings, server.name);
  const kept = await readOpenvpnSetup(path);
  const unit = server.unit ?? null;
  const file: OpenvpnSetupFile = {
    version: 1,
    server: server.name,
    config: server.config,
    unit,
    backup: null,
  };
  makeFolders(settings, server.name, owner);
  await writeOpenvpnSetup(path, file);
  const backup = await change(proposal, () => restoreOpenvpnSetup(path, kept));
  await writeOpenvpnSetup(path, { ...file, backup: backup ?? null });
  const dropIn = await followServerSetup(server.unit, "install");
  return [
    done(proposal, backup),
    ...dropIn,
    server.pid === undefined ? STARTS : restartText(server.unit ?? null),
  ];
}

async function undoAll(settings: Settings, options: OpenvpnSetupOptions): Promise<readonly Report[]> {
  const all = await openvpnSetups(settings);
  const chosen = all.filter(({ server }) => options.server === undefined || server === options.server);
  if (chosen.length === 0) {
    const what = options.server === undefined ? "a setup" : `the setup of "${options.server}"`;
    throw new RefusedRequestError(
      `Cannot undo ${what}: there is no record of it in "${settings.stateDirectory}"`,
    );
  }
  const reports: Report[] = [];
  for (const file of chosen) {
    const path = openvpnSetupPath(settings, file.server);
    const proposal = await undoProposal(file);
    show(options, proposal);
    const agreed = proposal.text === proposal.before || (await isWanted(proposal, options));
    const notes: string[] = [];
    if (agreed) {
      if (proposal.text === proposal.before) notes.push(nothing(proposal));
      else {
        const backup = await change(proposal, async () => undefined);
        notes.push(done(proposal, backup), restartText(file.unit));
      }
      await restoreOpenvpnSetup(path, undefined);
      const others = (await openvpnSetups(settings)).map(({ unit }) => unit);
      notes.push(...(await followServerSetup(file.unit ?? undefined, "remove", others)));
    } else notes.push("Nothing was changed.");
    reports.push(report(options, proposal, agreed, notes));
  }
  return reports;
}

async function undoProposal({ server, config, unit }: OpenvpnSetupFile): Promise<Proposal> {
  const base = { server, path: config, unit: unit ?? undefined, warnings: [] };
  let before: string;
  try {
    before = await readFile(config, "utf8");
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    return { ...base, before: "", text: "", changes: [] }; // the server was taken off
  }
  const text = ofFile(config, () => withoutSetup(before));
  return { ...base, before, text, changes: text === before ? [] : ["what setup added is taken out"] };
}

/** Compare-and-swap. @returns where the copy of the file before it is. */
async function change({ path, before, text }: Proposal, takeBack: () => Promise<unknown>) {
  try {
    const { backup } = await editConfigFile({
      path,
      edit: (found) => {
        if (found === before) return text;
        throw new RefusedRequestError(`Cannot change "${path}": it was changed meanwhile; look at it again`);
      },
      test: undefined, // OpenVPN has no way to test a config without starting
      now: systemClock.unix(),
    });
    return backup;
  } catch (error) {
    await takeBack();
    throw error;
  }
}

/** The settings are the operator's: they are written only where they have nothing of OpenVPN, and he agrees. */
async function tellSettings(
  settings: Settings,
  entries: readonly SettingsEntry[],
  options: OpenvpnSetupOptions,
): Promise<void> {
  const wanted = await settingsWith(settings, entries);
  const section = `"openvpn": ${JSON.stringify(entries, null, 2)}`;
  say(options, `The settings need:\n\n${section}\n\n`);
  if (wanted === undefined) {
    return say(options, "They have a list of servers already: put this into it, and restart the daemon.\n");
  }
  const agreed = options.yes ?? (canAsk(options) && (await isAgreed(`Write it into ${wanted.path}?`)));
  if (!agreed) return;
  await writeSettings(wanted.path, wanted.text);
  say(options, `Wrote ${wanted.path}. For it to take effect: systemctl restart bw-limit-check\n`);
}

/** With the file that cannot be read in front of what is wrong with it. */
function ofFile<Answer>(path: string, work: () => Answer): Answer {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RefusedRequestError)) throw error;
    throw new RefusedRequestError(`${path}: ${reasonOf(error)}`, { cause: error });
  }
}

const STARTS = "It takes effect when the server is started.";

function restartText(unit: string | null): string {
  const how = unit === null ? "stop the server and start it" : `systemctl restart ${unit}`;
  return `For it to take effect: ${how} (its clients are thrown out, and come back by themselves).`;
}

function done({ path }: Proposal, backup: string | undefined): string {
  return `Changed ${path}${backup === undefined ? "" : `; as it was: ${backup}`}`;
}

function nothing({ before, text }: Proposal): string {
  return before === text ? "Nothing to change." : "Nothing was changed.";
}

function show(options: OpenvpnSetupOptions, proposal: Proposal): void {
  const { path, changes, warnings } = proposal;
  const lines = [...changes, ...warnings];
  const diff = diffOf(proposal);
  say(
    options,
    [`In ${path}:`, ...lines.map((line) => `  ${line}`), ...(diff === "" ? [] : ["", diff]), ""].join("\n"),
  );
}

function report(
  options: OpenvpnSetupOptions,
  proposal: Proposal,
  isDone: boolean,
  notes: readonly string[],
): Report {
  const { server, path, changes, warnings } = proposal;
  say(options, `${notes.join("\n")}\n`);
  return { server, path, changes, warnings, diff: diffOf(proposal), done: isDone, notes };
}

function diffOf({ path, before, text }: Proposal): string {
  if (before === text) return "";
  const options = { context: 2, headerOptions: FILE_HEADERS_ONLY };
  return createTwoFilesPatch(path, path, before, text, undefined, undefined, options).trimEnd();
}

function say({ json }: OpenvpnSetupOptions, text: string): void {
  if (!json) process.stdout.write(text);
}
