/** `xray drop-in`: what an engine's systemd unit needs so that a stop loses nothing. */
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import type { Settings, XraySettings } from "../../config.ts";
import {
  dropInPath,
  dropInText,
  installDropIn,
  keepsSpliceOff,
  reloadSystemd,
  removeDropIn,
  systemdRuns,
  UNIT_DIRECTORY,
} from "../../enforcement/xray/engine-drop-in.ts";
import { RefusedRequestError } from "../../errors.ts";
import { settingsFor } from "./settings-for.ts";

export interface DropInOptions {
  readonly config?: string;
  readonly engine: string;
  /** False with --no-splice. */
  readonly splice: boolean;
  readonly remove?: boolean;
  readonly print?: boolean;
  readonly directory: string;
}

export async function changeDropIn(options: DropInOptions): Promise<void> {
  const { name, service } = engineNamed(await settingsFor(options), options.engine);
  if (service === null) {
    throw new RefusedRequestError(`Cannot prepare ${name}: its settings name no unit (xray.service is null)`);
  }
  const place = { unit: service, directory: options.directory, reload: reloadSystemd };
  const path = dropInPath(place);
  if (options.remove) {
    const removed = await removeDropIn(place);
    return say(removed ? `Removed ${path}.` : `There is no ${path}.`);
  }
  const text = dropInTextFor(name, options.config, options.splice);
  if (options.print) return void process.stdout.write(text);
  const changed = await installDropIn(place, text);
  say(
    changed
      ? `Wrote ${path}: every stop of ${service} takes a last look first${options.splice ? "" : ", and from its next start on nothing is spliced"}.`
      : `${path} is as it should be.`,
  );
}

/**
 * What `setup` does with it: a last look before each stop, from now on or, with
 * `undo`, no longer. Nothing where systemd does not run.
 *
 * @returns what was done, as one sentence.
 */
export async function followSetup(
  { name, service }: XraySettings,
  config: string | undefined,
  undo: boolean,
): Promise<string | undefined> {
  if (service === null || !systemdRuns()) return undefined;
  const place = { unit: service, directory: UNIT_DIRECTORY, reload: reloadSystemd };
  const path = dropInPath(place);
  if (undo) return (await removeDropIn(place)) ? `Removed ${path}.` : undefined;
  const changed = await installDropIn(place, dropInTextFor(name, config, !(await keepsSpliceOff(place))));
  return changed ? `Wrote ${path}: every stop of ${service} takes a last look first.` : undefined;
}

/** What such a drop-in says. @param config the settings' file, where it is not the usual one. */
export function dropInTextFor(engine: string, config: string | undefined, splice: boolean): string {
  return dropInText({
    // What runs Sluice now runs it then: this Node and this program, with the same settings.
    command: [process.execPath, realpathSync(process.argv[1] ?? "")],
    engine,
    settings: config === undefined ? undefined : resolve(config),
    lastLook: true,
    noSplice: !splice,
  });
}

/** @param name "" for the only one. */
function engineNamed({ xray }: Settings, name: string): XraySettings {
  const [only, ...others] = xray;
  const found = name === "" && others.length === 0 ? only : xray.find((engine) => engine.name === name);
  if (found) return found;
  const known = xray.map((engine) => engine.name).join(", ") || "none";
  throw new RefusedRequestError(
    `Cannot prepare ${name === "" ? "an engine without its name" : `"${name}"`}: expected one of ${known}`,
  );
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
