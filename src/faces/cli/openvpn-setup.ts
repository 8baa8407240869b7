/**
 * `openvpn setup`: shows what the servers' configs need, and on a yes changes
 * them, with a copy kept. No server is restarted: each restart throws all its
 * clients out for some seconds, so the operator chooses when.
 */
import { readFile } from "node:fs/promises";
import type { Settings } from "../../config.ts";
import { hookKind } from "../../enforcement/openvpn/hook-kind.ts";
import { planSetup, type SetupFacts } from "../../enforcement/openvpn/setup-plan.ts";
import { RefusedRequestError } from "../../errors.ts";
import { printable } from "../../log.ts";
import { wordsOf } from "../../sources/openvpn/config-lines.ts";
import { thisHost } from "../doctor/host.ts";
import { followServerSetup, makeFolders, ownerOf } from "./openvpn-folders.ts";
import {
  change,
  doneText,
  isWanted,
  type LostHook,
  nothingText,
  type OpenvpnSetupOptions,
  ofFile,
  type Proposal,
  type Report,
  report,
  restartText,
  show,
} from "./openvpn-proposal.ts";
import { type ChosenServer, chooseServers, factsOf } from "./openvpn-server.ts";
import { entryOf, isSaid, type SettingsEntry, tellSettings } from "./openvpn-settings.ts";
import {
  type OpenvpnSetupFile,
  openvpnSetupPath,
  readOpenvpnSetup,
  restoreOpenvpnSetup,
  writeOpenvpnSetup,
} from "./openvpn-setup-file.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

export type { OpenvpnSetupOptions } from "./openvpn-proposal.ts";

/** @throws {RefusedRequestError} for a config that must not be changed; those before it are done. */
export async function setupOpenvpn(options: OpenvpnSetupOptions): Promise<void> {
  if (process.getuid?.() !== 0) throw new RefusedRequestError("Cannot set up OpenVPN: expected root (sudo)");
  const settings = await settingsFor(options);
  const reports = options.undo
    ? await (await import("./openvpn-undo.ts")).undoOpenvpn(settings, options)
    : await setupAll(settings, options);
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
    notes: isDone ? await carryOut(settings, server, proposal) : [nothingText(proposal)],
  };
}

async function proposalFor(
  server: ChosenServer,
  facts: SetupFacts,
  options: OpenvpnSetupOptions,
): Promise<Proposal> {
  const before = await readFile(server.config, "utf8");
  const plan = ofFile(server.config, () => planSetup(before, facts));
  const [first] = plan.replacedHooks;
  if (first !== undefined && options.keepHooks) {
    throw new RefusedRequestError(
      `Cannot set up "${server.config}": a hook of another program's is there (${first}), and OpenVPN runs one of each`,
    );
  }
  const { name, config: path, unit } = server;
  if (plan.text === before) return { server: name, path, unit, before, text: before, changes: [], lost: [] };
  const lost = plan.replacedHooks.map((command) => ({ command, ...judgeHook(command) }));
  return { server: name, path, unit, before, text: plan.text, changes: plan.changes, lost };
}

/** What is lost with another program's hook. */
function judgeHook(command: string): Omit<LostHook, "command"> {
  switch (hookKind(scriptOf(command))) {
    case "monitor":
      return { grave: false, why: "a monitor's hook goes, whose bytes Sluice counts" };
    case "needed":
      return { grave: true, why: "a hook goes that lets clients in or configures them" };
    case "unknown":
      return { grave: true, why: "a hook goes, and what it is for cannot be told" };
  }
}

/** Its text; undefined where that cannot be read. */
function scriptOf(command: string): string | undefined {
  const [program = "", argument] = wordsOf(command, () => undefined) ?? [];
  const script = /\/(?:env|sh|bash|dash|python[\d.]*|perl)$/.test(program) ? argument : program;
  try {
    return script === undefined ? undefined : thisHost().read(script);
  } catch {
    return undefined;
  }
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
    doneText(proposal, backup),
    ...dropIn,
    server.pid === undefined ? STARTS : restartText(server.unit ?? null),
  ];
}

const STARTS = "It takes effect when the server is started.";
