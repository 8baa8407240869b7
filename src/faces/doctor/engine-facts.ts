/** What can be seen of one engine from outside: its process, its config, what its API says. */
import type { XraySettings } from "../../config.ts";
import { enginePid } from "../../daemon/engine-process.ts";
import { type EngineVersion, engineVersion } from "../../enforcement/xray/engine-kind.ts";
import { codeOf, reasonOf } from "../../errors.ts";
import { locateEngineConfig } from "../../sources/xray/config-location.ts";
import { panelOf } from "../../sources/xray/config-panel.ts";
import { type EngineConfig, readEngineConfig } from "../../sources/xray/engine-config.ts";
import { type ServiceName, Session } from "../../sources/xray/session.ts";
import { milliseconds } from "../../units.ts";
import type { Host } from "./host.ts";
import { environmentOf, type ProcessFacts, programOf } from "./process-table.ts";
import { trustedProgram } from "./trusted-program.ts";

export interface EngineFacts {
  readonly settings: XraySettings;
  /** Undefined while it does not run, or cannot be found. */
  readonly process: ProcessFacts | undefined;
  /** What it was started with; undefined where it may not be seen. */
  readonly environment: ReadonlyMap<string, string> | undefined;
  /** Undefined where its program cannot be asked. */
  readonly version: EngineVersion | undefined;
  /** Whether it lives in another network namespace (a container); undefined where that cannot be seen. */
  readonly elsewhere: boolean | undefined;
  /** The panel that writes its config, if one does. */
  readonly panel: string | undefined;
  readonly config: ConfigFacts;
  readonly api: ApiFacts;
}

export type ConfigFacts =
  | { readonly kind: "read"; readonly path: string; readonly text: string; readonly content: EngineConfig }
  /** `denied` where this user may not read it. */
  | {
      readonly kind: "unread";
      readonly path: string | undefined;
      readonly why: string;
      readonly denied: boolean;
    };

export interface ApiFacts {
  /** Why it does not answer; undefined while it does. */
  readonly trouble: string | undefined;
  /** What it offers; undefined for what its answer does not tell. */
  readonly offers: Readonly<Record<ServiceName, boolean | undefined>>;
}

/** Panels call it by its platform, too: "xray-linux-amd64". */
const ENGINE = /^(?:xray|v2ray)(?:-linux-\w+)?$/;
const CONNECT = milliseconds(2_000);

export async function engineFacts(
  host: Host,
  settings: XraySettings,
  processes: readonly ProcessFacts[],
): Promise<EngineFacts> {
  const api = askApi(settings.api);
  const process = processOf(host, settings, processes);
  const path = await configPath(host, settings, process);
  const parent = processes.find(({ pid }) => pid === process?.parent);
  return {
    settings,
    process,
    environment: process && environmentOf(host, process.pid),
    version: await versionOf(host, process),
    elsewhere: process && isElsewhere(host, process.pid),
    panel: panelOf({ path, argv: process?.argv ?? [], parent: parent && programOf(parent) }),
    config: configFacts(host, settings, path),
    api: await api,
  };
}

/** Who listens at its API, else the unit's process, else the only engine that names its config. */
function processOf(
  host: Host,
  { api, service, config }: XraySettings,
  processes: readonly ProcessFacts[],
): ProcessFacts | undefined {
  const listening = unlessHidden(() => enginePid(api, host.place("/proc")));
  const engines = processes.filter((each) => ENGINE.test(programOf(each)));
  const unit = service === null || service.includes(".") ? service : `${service}.service`;
  const named = engines.filter(({ argv }) =>
    argv.some((word) => word === config || word.endsWith(`=${config}`)),
  );
  const [only, ...others] = config === "auto" ? engines : named;
  return (
    processes.find(({ pid }) => pid === listening) ??
    engines.find((each) => each.unit === unit) ??
    (others.length === 0 ? only : undefined)
  );
}

async function configPath(
  host: Host,
  { config }: XraySettings,
  process: ProcessFacts | undefined,
): Promise<string | undefined> {
  if (config !== "auto") return config ?? undefined;
  const cwd = process && unlessHidden(() => host.link(`/proc/${process.pid}/cwd`));
  return locateEngineConfig({ argv: process?.argv ?? [], ...(cwd !== undefined && { cwd }) });
}

function configFacts(host: Host, { config }: XraySettings, path: string | undefined): ConfigFacts {
  const unread = (why: string, denied = false): ConfigFacts => ({ kind: "unread", path, why, denied });
  if (config === null) return unread("its config is left alone (xray.config is null)");
  if (path === undefined) return unread("its config file was not found");
  try {
    const text = host.read(path);
    if (text === undefined) return unread(`there is no ${path}`);
    return { kind: "read", path, text, content: readEngineConfig(text.replace(/^\uFEFF/, "")) };
  } catch (error) {
    return unread(reasonOf(error), ["EACCES", "EPERM"].includes(codeOf(error) ?? ""));
  }
}

async function versionOf(host: Host, process: ProcessFacts | undefined): Promise<EngineVersion | undefined> {
  if (process === undefined || !ENGINE.test(programOf(process))) return undefined;
  const program = trustedProgram(host, process);
  return program === undefined ? undefined : engineVersion(host.place(program));
}

function isElsewhere(host: Host, pid: number): boolean | undefined {
  const theirs = unlessHidden(() => host.link(`/proc/${pid}/ns/net`));
  const ours = unlessHidden(() => host.link("/proc/self/ns/net"));
  return theirs === undefined || ours === undefined ? undefined : theirs !== ours;
}

/** Asks without changing anything: a look for a counter that nobody has, and calls that no service has. */
async function askApi(target: string): Promise<ApiFacts> {
  const unknown = { StatsService: undefined, HandlerService: undefined, RoutingService: undefined };
  let session: Session;
  try {
    session = await Session.open(target, CONNECT, () => undefined);
  } catch (error) {
    return { trouble: reasonOf(error), offers: unknown };
  }
  try {
    const [StatsService, HandlerService, RoutingService] = await Promise.all([
      session.offers("StatsService"),
      session.offers("HandlerService"),
      session.offers("RoutingService"),
    ]);
    return { trouble: undefined, offers: { StatsService, HandlerService, RoutingService } };
  } catch (error) {
    return { trouble: reasonOf(error), offers: unknown };
  } finally {
    session.close();
  }
}

function unlessHidden<Answer>(look: () => Answer): Answer | undefined {
  try {
    return look();
  } catch (error) {
    if (["EACCES", "EPERM"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
