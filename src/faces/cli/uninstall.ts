/**
 * `uninstall`: lets everybody in, takes what is in the kernel and around the
 * engines away, and then the files; what was there before gets its place again.
 */
import { resolve } from "node:path";
import type { Settings } from "../../config.ts";
import {
  dropInPath,
  reloadSystemd,
  removeDropIn,
  UNIT_DIRECTORY,
} from "../../enforcement/xray/engine-drop-in.ts";
import { RefusedRequestError, reasonOf } from "../../errors.ts";
import { printable } from "../../log.ts";
import { CAPTURE, ENFORCER, GATES, HOOKS, PROGRAM, RECORD, WEB } from "../install/layout.ts";
import { isThere } from "../install/program-folder.ts";
import { readRecord } from "../install/record.ts";
import type { Installed } from "../install/record-types.ts";
import { type Services, servicesOf } from "../install/services.ts";
import { removeInstalled, STATE_FOLDERS } from "../install/uninstall.ts";
import { agrees } from "./consent.ts";
import { removeGates } from "./gates.ts";
import { forgetDenied } from "./openvpn-folders.ts";
import { serversWithHooks } from "./openvpn-server.ts";
import { setupOpenvpn } from "./openvpn-setup.ts";
import { openvpnSetups } from "./openvpn-setup-file.ts";
import { settingsFor } from "./settings-for.ts";
import { setupFilePath } from "./setup-file.ts";
import { setupXray } from "./xray-setup.ts";

export interface UninstallFlags {
  readonly config?: string;
  readonly root: string;
  readonly yes?: boolean;
  readonly keepCuts?: boolean;
  readonly undoSetup?: boolean;
  readonly purge?: boolean;
  readonly startOld?: boolean;
}

/** @throws {RefusedRequestError} where nothing is installed, or nobody agrees. */
export async function runUninstall(flags: UninstallFlags): Promise<void> {
  const root = resolve(flags.root);
  if (process.getuid?.() !== 0) throw new RefusedRequestError("Cannot uninstall: expected root (sudo)");
  const record = await readRecord(root);
  if (!record) throw new RefusedRequestError(`Cannot uninstall: there is no record of it (${root}${RECORD})`);
  if (!record.complete)
    throw new RefusedRequestError(
      "Cannot uninstall: the last installation was interrupted; run install.sh again first",
    );
  say(whatGoes(record, flags));
  if (!(await agrees("Go on?", flags.yes))) return say("Nothing was changed.\n");
  const settings = root === "/" ? await settingsOf(flags) : undefined;
  const services = servicesOf(root);
  if (services) for (const unit of [WEB, CAPTURE, ENFORCER, GATES]) await services.stop(unit);
  // A server that runs goes by the config it began with; without its hook it would let nobody in.
  const running = root === "/" ? serversWithHooks(HOOKS).filter(({ pid }) => pid !== undefined) : [];
  const troubles = root === "/" ? await takeOffHost(settings, flags) : [];
  const hooked = root === "/" ? [...running, ...serversWithHooks(HOOKS)] : [];
  const inUse = hooked.length > 0 ? HOOKS : [];
  const { left, restored } = await removeInstalled(root, record, flags.purge === true, inUse);
  if (services) await startOld(services, record, flags);
  for (const path of restored) say(`Back in its place: ${path}\n`);
  for (const path of left) say(`Changed since it was installed, so it stays: ${path}\n`);
  if (inUse.length > 0) {
    const configs = [...new Set(hooked.map(({ config }) => config))].join(", ");
    say(
      `OpenVPN runs them until it is restarted (${configs}), so they stay: ${inUse.join(", ")}; after that: rm -r ${PROGRAM}\n`,
    );
  }
  for (const trouble of troubles) say(`Not done: ${trouble}\n`);
  say(
    flags.purge
      ? "Sluice is gone, and all it knew.\n"
      : `Sluice is gone; ${STATE_FOLDERS.join(", ")} stay.\n`,
  );
  if (troubles.length > 0) process.exitCode = 1;
}

/** Undefined where they cannot be read and nobody is to be let in. @throws {InvalidSettingsError} */
async function settingsOf(flags: UninstallFlags): Promise<Settings | undefined> {
  try {
    return await settingsFor(flags);
  } catch (error) {
    if (!flags.keepCuts) throw error; // who is cut could not be let in any more
    return undefined;
  }
}

/**
 * Kernel, engines, logins. A part that fails keeps none of the others from being done.
 *
 * @returns what failed.
 * @throws {RefusedRequestError} where somebody would stay cut with nothing left to let him in by.
 */
async function takeOffHost(settings: Settings | undefined, flags: UninstallFlags): Promise<string[]> {
  if (!settings) return ["The settings cannot be read: gates, cuts and drop-ins of engines are as they were"];
  const troubles: string[] = [];
  const attempt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      troubles.push(reasonOf(error));
    }
  };
  if (flags.keepCuts) await attempt(() => removeGates(configOf(flags)));
  else await letEverybodyIn(flags);
  // The hooks go with the program: what calls them goes first, asked or not.
  for (const { server } of await openvpnSetups(settings))
    await attempt(() => setupOpenvpn({ ...configOf(flags), undo: true, server, yes: true }));
  if (!flags.keepCuts) await attempt(async () => forgetDenied(settings));
  for (const { name, service } of settings.xray) {
    if (service === null) continue;
    const place = { unit: service, directory: UNIT_DIRECTORY, reload: reloadSystemd };
    await attempt(async () => {
      if (await removeDropIn(place)) say(`Removed ${dropInPath(place)}.\n`);
    });
    if (!(await isThere(setupFilePath(settings, name)))) continue;
    if (
      await agrees(
        `Take out of ${name}'s config what sluice xray setup added?`,
        flags.yes ? flags.undoSetup === true : flags.undoSetup,
      )
    )
      await attempt(() =>
        setupXray({ ...configOf(flags), undo: true, engine: name, yes: true, restart: true }),
      );
    else say(`What sluice xray setup added to ${name}'s config stays.\n`);
  }
  return troubles;
}

async function letEverybodyIn(flags: UninstallFlags): Promise<void> {
  const stays = "nothing was removed, and Sluice's services are stopped; --keep-cuts removes it all the same";
  let left: readonly string[];
  try {
    left = await removeGates({ ...configOf(flags), release: true });
  } catch (cause) {
    throw new RefusedRequestError(`Cannot lift gates and cuts: ${reasonOf(cause)}; ${stays}`, { cause });
  }
  if (left.length > 0 && flags.purge)
    throw new RefusedRequestError(
      `Cannot forget who stays cut (${left.map(printable).join(", ")}): ${stays}`,
    );
}

/** Their units are where they were, and start when somebody says so. */
async function startOld(services: Services, { stopped }: Installed, flags: UninstallFlags): Promise<void> {
  await services.reload();
  if (flags.startOld) for (const unit of stopped) await services.start(unit);
  else if (stopped.length > 0) say(`Not started: ${stopped.join(", ")}, which ran before Sluice came.\n`);
}

function whatGoes({ version, files, links }: Installed, flags: UninstallFlags): string {
  const paths = [PROGRAM, ...files.map(({ path }) => path), ...links.map(({ path }) => path)];
  return [
    `Sluice ${version} will be taken off:`,
    ...paths.map((path) => `  ${path}`),
    ...(flags.root === "/"
      ? [
          "  every gate in the kernel, and the sysctl drop-in",
          "  what sluice openvpn setup added to servers' configs",
          flags.keepCuts ? "  (who is cut stays cut)" : "  every cut: who is cut is let in",
        ]
      : []),
    flags.purge
      ? `With ${STATE_FOLDERS.join(", ")}: all accounts and limits.`
      : `${STATE_FOLDERS.join(", ")} stay.`,
    "",
  ].join("\n");
}

function configOf({ config }: UninstallFlags): { config?: string } {
  return config === undefined ? {} : { config };
}

function say(text: string): void {
  process.stdout.write(text);
}
