/** Gathers what is examined, once, so that every check judges the same moment. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Settings } from "../../config.ts";
import { ControlClient } from "../../control/client.ts";
import { UnreachableError } from "../../errors.ts";
import { unixTime } from "../../units.ts";
import type { Case, DaemonWord } from "./case.ts";
import { engineFacts } from "./engine-facts.ts";
import type { Host } from "./host.ts";
import { processTable } from "./process-table.ts";

/** One that hangs is told of as one that does not answer. */
const PATIENCE_MS = 4_000;

export async function openCase(host: Host, settings: Settings): Promise<Case> {
  const processes = processTable(host);
  const [daemon, ...engines] = await Promise.all([
    askDaemon(host.place(join(settings.runtimeDirectory, "control.sock"))),
    ...settings.xray.map((engine) => engineFacts(host, engine, processes)),
  ]);
  return { host, settings, daemon, engines, processes, now: unixTime(Date.now()) };
}

/** Undefined while none answers. */
async function askDaemon(socket: string): Promise<DaemonWord | undefined> {
  using client = new ControlClient(socket);
  const asked = new AbortController();
  const late = delay(PATIENCE_MS, undefined, { signal: asked.signal }).catch(() => undefined);
  const answer = Promise.all([client.status(), client.listUsers("")]).then(([status, users]) => ({
    status,
    users,
  }));
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    if (error instanceof UnreachableError) return undefined;
    throw error;
  } finally {
    asked.abort();
    answer.catch(() => undefined); // of one that was given up
  }
}
