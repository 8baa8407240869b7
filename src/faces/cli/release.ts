/**
 * Gives back what was taken from everybody who is cut, as before Sluice is taken
 * off a host. What stands in the kernel is not lifted by this.
 *
 * An office runs for it that judges nobody: whoever is cut is then let in by the
 * ways the daemon has for it, and who is over his limit is cut again by the next
 * daemon.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Settings } from "../../config.ts";
import { openOffice } from "../../enforce.ts";
import type { UserName } from "../../names.ts";
import { quietLog } from "./settings-for.ts";

export interface Release {
  readonly released: readonly UserName[];
  readonly left: readonly { readonly name: UserName; readonly why: string }[];
}

/** An engine that is cut through its config is restarted for it, which systemd may take 180 s for. */
const PATIENCE_MS = 240_000;
const IDLE_MS = 15_000;
const LOOK_MS = 50;

/**
 * @param idleMs after this long without anybody let in, what is left is reported.
 * @throws {StateInUseError} while a daemon runs: it would cut them again.
 */
export async function releaseEverybody(settings: Settings, idleMs = IDLE_MS): Promise<Release> {
  await using office = await openOffice({
    ...{ settings, log: quietLog, wait: undefined, lenient: true },
    mode: "enforce",
  });
  const cut = office.cutAccounts();
  if (cut.length === 0) return { released: [], left: [] };
  const done = new AbortController();
  const running = office.run(done.signal);
  try {
    await Promise.race([running, untilReleased(() => office.cutAccounts().length, idleMs)]);
  } finally {
    done.abort();
    await running;
  }
  const still = new Set(office.cutAccounts());
  return {
    released: cut.filter((name) => !still.has(name)),
    left: cut.filter((name) => still.has(name)).map((name) => ({ name, why: WHY })),
  };
}

const WHY = "the engine or login that it was taken from does not answer, or is gone";

/** Ends as soon as nobody is left, or when for a while nobody more was let in. */
async function untilReleased(left: () => number, idleMs: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  let before = left();
  let idleSince = performance.now();
  while (before > 0 && performance.now() < deadline && performance.now() - idleSince < idleMs) {
    await delay(LOOK_MS);
    const now = left();
    if (now !== before) idleSince = performance.now();
    before = now;
  }
}
