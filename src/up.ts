/**
 * A first look: meters the engine that is there and only observes, or shows the
 * embedded demo engine when there is none. Writes below one folder and nowhere
 * else.
 */
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { runCapture } from "./capture.ts";
import { systemClock } from "./clock.ts";
import type { Settings, XraySettings } from "./config.ts";
import type { Desk } from "./control/rows.ts";
import { startDemoEngine } from "./demo/engine.ts";
import { DEMO_LIMITS, DEMO_USERS, runDemoTraffic } from "./demo/traffic.ts";
import { openOffice } from "./enforce.ts";
import { reasonOf } from "./errors.ts";
import { hostsFolder } from "./hosts/hosts-store.ts";
import type { Log } from "./log.ts";
import { keeperName } from "./names.ts";
import { Session } from "./sources/xray/session.ts";
import { milliseconds } from "./units.ts";

export interface UpOptions {
  readonly settings: Settings;
  /** Everything is written below it. */
  readonly directory: string;
  /** Cuts for real instead of observing. */
  readonly enforce: boolean;
  readonly terminal: { readonly isTTY?: boolean; write(text: string): unknown };
  /** Shows the users until the signal aborts. */
  readonly show: (desk: Desk, page: Page, signal: AbortSignal) => Promise<unknown>;
}

/** What stands around the live table. */
export interface Page {
  readonly title: () => string;
  readonly footer: () => readonly string[];
}

const PROBE_DEADLINE = milliseconds(1_500);
const DEMO_KEEPER = "demo";
/** Who may sign in at the dashboard, by a password that is made anew each time. */
const GUEST = "guest";
/** Lines of events below the table. */
const LATEST = 5;

/** Runs until `signal` aborts; everything is saved then. */
export async function runUp(options: UpOptions, signal: AbortSignal): Promise<void> {
  const { terminal, enforce } = options;
  const directory = resolve(options.directory);
  const engines = await reachable(options.settings.xray);
  const demo = engines.length === 0;
  const home = demo ? join(directory, "demo") : directory;
  await using parts = new AsyncDisposableStack();
  /** Also when whoever looked at it left by a key, which is no signal. */
  const stopped = new AbortController();
  const ending = AbortSignal.any([signal, stopped.signal]);

  let xray = engines;
  if (demo) {
    const sought = options.settings.xray.map(({ api }) => api).join(", ") || "none is set";
    terminal.write(`No Xray or V2Ray API answers (${sought}): this is the embedded demo engine.\n`);
    await rm(home, { recursive: true, force: true }); // a demo begins anew each time
    const engine = parts.use(
      await startDemoEngine({ address: "127.0.0.1:0", clock: systemClock, users: DEMO_USERS }),
    );
    const traffic = runDemoTraffic(engine, systemClock, ending);
    parts.defer(() => traffic);
    xray = [
      {
        name: keeperName(DEMO_KEEPER),
        api: engine.target,
        config: null,
        accessLog: null,
        service: null,
        gates: "off",
      },
    ];
  }
  const mode = demo || enforce ? "enforce" : "observe";
  const latest: string[] = [];
  await mkdir(home, { recursive: true });
  const office = parts.use(
    await openOffice({
      // The demo is of an engine alone: the kernel of this host is left as it is.
      settings: { ...options.settings, ...below(home), xray, mode, ...(demo ? { ssh: null } : {}) },
      log: latestLines(latest, terminal),
      mode,
      wait: undefined,
    }),
  );
  const running = office.run(ending);
  parts.defer(() => running);
  if (demo) await setDemoLimits(office.desk);
  const { hosts } = options.settings;
  if (!demo && hosts) {
    const log = latestLines(latest, terminal);
    const settings = { ...options.settings, ...below(home) };
    const capturing = runCapture({ settings, hosts, log }, ending).catch((error: unknown) =>
      log.write("warning", `Hosts are not captured: ${reasonOf(error)}`),
    );
    parts.defer(() => capturing);
  }
  const dashboard = await dashboardOf({ ...options.settings, ...below(home) }, latestLines(latest, terminal));
  parts.use(dashboard.parts);
  terminal.write(`${dashboard.text}\n`); // the footer is for terminals alone
  parts.defer(() => stopped.abort()); // the last to be put there goes first: both end

  const what = demo ? "demo engine" : xray.map(({ api }) => api).join(", ");
  await Promise.race([
    running,
    options.show(
      office.desk,
      {
        title: () =>
          `Sluice ${mode === "observe" ? "observes" : "enforces"}: ${what}. Ctrl-C leaves; state is in ${home}`,
        footer: () => [
          dashboard.text,
          ...(mode === "observe" ? [HOW_TO_ENFORCE] : []),
          ...(demo || !hosts
            ? []
            : [`Hosts that clients ask for: ${hostsFolder(below(home).dataDirectory)}/hosts.log`]),
          ...latest.slice(-LATEST),
        ],
      },
      ending,
    ),
  ]);
  await parts.disposeAsync();
  terminal.write(`Saved in ${home}.\n`);
}

const HOW_TO_ENFORCE =
  "Only observing: nobody is cut. Limits: sluice limit set NAME 10GB. To enforce: sluice up --enforce, or sluice enforce as a service.";

/** Beside the table, where its place is free; it is a first look without it as well. */
async function dashboardOf(
  settings: Settings,
  log: Log,
): Promise<{ readonly text: string; readonly parts: AsyncDisposableStack }> {
  const { web } = settings;
  const parts = new AsyncDisposableStack();
  if (!web) return { text: "The dashboard is switched off in the settings", parts };
  try {
    const { startWeb } = await import("./web.ts");
    const served = parts.use(await startWeb({ settings, web, log }));
    const password = await served.letIn(GUEST);
    return { text: `Dashboard: ${served.address}, sign in as "${GUEST}" with ${password}`, parts };
  } catch (error) {
    return { text: `No dashboard: ${reasonOf(error)}`, parts };
  }
}

async function reachable(engines: readonly XraySettings[]): Promise<XraySettings[]> {
  const found = await Promise.all(
    engines.map(async (engine) => {
      try {
        const session = await Session.open(engine.api, PROBE_DEADLINE, () => undefined);
        session.close();
        return [engine];
      } catch {
        return []; // said by the caller, for all of them in one line
      }
    }),
  );
  return found.flat();
}

function below(
  home: string,
): Pick<Settings, "stateDirectory" | "runtimeDirectory" | "logDirectory" | "dataDirectory"> {
  return {
    stateDirectory: join(home, "state"),
    runtimeDirectory: join(home, "run"),
    logDirectory: join(home, "log"),
    dataDirectory: join(home, "data"),
  };
}

async function setDemoLimits(desk: Desk): Promise<void> {
  for (const [name, { total, daily }] of DEMO_LIMITS) {
    await desk.setLimit(
      { name, totalBytes: total, dailyBytes: daily, period: "", yes: true, create: true },
      "the demo",
    );
  }
}

/** The daemon's own lines: below the table on a terminal, in between elsewhere. */
function latestLines(latest: string[], terminal: UpOptions["terminal"]): Log {
  return {
    write(level, message) {
      if (level === "debug") return;
      const line = `${new Date().toTimeString().slice(0, 8)} ${message}`;
      latest.push(line);
      if (latest.length > LATEST) latest.shift();
      if (!terminal.isTTY) terminal.write(`${line}\n`);
    },
  };
}
