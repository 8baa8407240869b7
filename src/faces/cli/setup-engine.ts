/** The engine that is to be set up: its process, its config's file, and what it can do. */
import { execFile } from "node:child_process";
import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { promisify } from "node:util";
import type { Settings, XraySettings } from "../../config.ts";
import { enginePid, loopbackOf, versionOfEngine } from "../../daemon/engine-process.ts";
import { isFrom } from "../../enforcement/xray/engine-kind.ts";
import type { SetupFacts } from "../../enforcement/xray/setup-plan.ts";
import { RefusedRequestError } from "../../errors.ts";
import { processArguments } from "../../kernel/process.ts";
import { executableOf, parentOf, processesRunning } from "../../kernel/processes.ts";
import { locateEngineConfig } from "../../sources/xray/config-location.ts";
import { panelOf } from "../../sources/xray/config-panel.ts";

export interface FoundEngine {
  readonly settings: XraySettings;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** The config's file, which the operator and scripts keep. */
  readonly path: string;
}

/** @throws {RefusedRequestError} unless there is exactly one of that name, or one at all. */
export function chooseEngine({ xray }: Settings, name: string | undefined): XraySettings {
  const [first, ...others] = name === undefined ? xray : xray.filter((engine) => engine.name === name);
  if (first && others.length === 0) return first;
  const names = xray.map((engine) => engine.name).join(", ");
  if (xray.length === 0)
    throw new RefusedRequestError('Cannot set up an engine: "xray" is null in the settings');
  const got = name === undefined ? "none" : `"${name}"`;
  throw new RefusedRequestError(
    `Cannot set up an engine: expected --engine with one of ${names}, got ${got}`,
  );
}

/** @throws {RefusedRequestError} when its config must not or cannot be edited. */
export async function findEngine(settings: XraySettings): Promise<FoundEngine> {
  const action = `Cannot set up "${settings.name}"`;
  if (settings.config === null)
    throw new RefusedRequestError(`${action}: its config may not be touched (xray.config is null)`);
  const pid = enginePid(settings.api) ?? (await pidOfUnit(settings.service)) ?? pidOnConfig(settings.config);
  const argv = (pid === undefined ? undefined : processArguments(pid)) ?? [];
  const cwd = pid === undefined ? undefined : folderOf(pid);
  const path =
    settings.config === "auto"
      ? await locateEngineConfig({ argv, ...(cwd !== undefined && { cwd }) })
      : settings.config;
  const panel = panelOf({ path, argv, parent: pid === undefined ? undefined : parentName(pid) });
  if (panel !== undefined) {
    throw new RefusedRequestError(
      `${action}: ${panel} writes its config anew, an edit would be lost; gates are set at run time as far as its API allows`,
    );
  }
  if (path === undefined)
    throw new RefusedRequestError(`${action}: its config was not found; name the file as xray.config`);
  return { settings, pid, path };
}

/**
 * @throws {RefusedRequestError} when it does not run: it has to say its version and test its new config.
 * @throws {Error} when the process cannot be asked.
 */
export async function factsOf({ pid, settings }: FoundEngine): Promise<Omit<SetupFacts, "gates">> {
  if (pid === undefined) {
    throw new RefusedRequestError(
      `Cannot set up "${settings.name}": expected a running engine, found none at ${settings.api}`,
    );
  }
  const { kind, version } = await versionOfEngine(pid);
  return {
    kind,
    apiListen: kind === "xray" && isFrom(version, "1.8.12"),
    // AddRule is older (1.8.10), but the outbound to copy cannot be asked for before.
    runtimeGates: kind === "xray" && isFrom(version, "25.6.7"),
    api: loopbackOf(settings.api),
  };
}

/** Undefined without systemd, and for a unit that does not run. */
async function pidOfUnit(service: string | null): Promise<number | undefined> {
  if (service === null) return undefined;
  const shown = await promisify(execFile)("systemctl", ["show", "-p", "MainPID", "--value", service], {
    timeout: 10_000,
  }).then(
    ({ stdout }) => stdout,
    () => "",
  );
  const pid = Number(/^\d+$/m.exec(shown)?.[0] ?? 0);
  return pid > 0 ? pid : undefined;
}

/** The only engine there is, or the one whose arguments name the config. */
function pidOnConfig(config: string): number | undefined {
  const engines = processesRunning(new Set(["xray", "v2ray"]));
  const named = engines.filter((pid) =>
    processArguments(pid)?.some((argument) => argument === config || argument.endsWith(`=${config}`)),
  );
  const [found, ...others] = config === "auto" ? engines : named;
  return others.length === 0 ? found : undefined;
}

function parentName(pid: number): string | undefined {
  const parent = parentOf(pid);
  const program = parent === undefined || parent === 0 ? undefined : executableOf(parent);
  return program === undefined ? undefined : basename(program);
}

function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // gone, or not ours to see: a relative path is not found then
  }
}
