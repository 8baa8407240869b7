/**
 * A handful of people who use the embedded engine, so that a first look has
 * something to show: one at a steady pace, one in bursts, one hardly at all,
 * and one who runs into his limit within seconds.
 *
 * Each moves his bytes in connections of a tenth of a second, so a user who is
 * removed or routed into a blackhole moves nothing from the next tenth on.
 */
import type { Clock } from "../clock.ts";
import { bytes, milliseconds, type Traffic } from "../units.ts";
import type { DemoEngine, DemoUser } from "./engine.ts";

/** What a user moves in the tenth of a second that begins `elapsed` ms after the start. */
type Profile = (elapsed: number) => Traffic;

const STEP = milliseconds(100);
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

const PROFILES: ReadonlyMap<string, Profile> = new Map<string, Profile>([
  // A video call.
  ["alice@demo", () => perSecond(96 * KIB, 180 * KIB)],
  // Pages: two seconds out of every eight.
  ["bob@demo", (elapsed) => (elapsed % 8_000 < 2_000 ? perSecond(40 * KIB, 1_500 * KIB) : perSecond(0, 0))],
  // A phone in a pocket: a sign of life every five seconds.
  ["carol@demo", (elapsed) => (elapsed % 5_000 < STEP ? perSecond(6 * KIB, 20 * KIB) : perSecond(0, 0))],
  // A film, with a buffer that fills every four seconds.
  [
    "dave@demo",
    (elapsed) => (elapsed % 4_000 < 1_000 ? perSecond(16 * KIB, 3 * MIB) : perSecond(KIB, 4 * KIB)),
  ],
  // A download that asks for no rest.
  ["greedy@demo", () => perSecond(50 * KIB, 2_450 * KIB)],
]);

/** The people, on one inbound. */
export const DEMO_USERS: readonly DemoUser[] = [...PROFILES.keys()].map((email) => ({
  email,
  inbound: "demo-in",
}));

/** Limits for them, in bytes of both directions: greedy@demo reaches his about ten seconds after the start. */
export const DEMO_LIMITS: ReadonlyMap<string, { readonly daily?: number; readonly total?: number }> = new Map(
  [
    ["alice@demo", { daily: GIB, total: 20 * GIB }],
    ["bob@demo", { total: 5 * GIB }],
    ["dave@demo", { daily: 200 * MIB }],
    ["greedy@demo", { total: 25 * MIB }],
  ],
);

/**
 * Runs until `signal` aborts, then resolves. A step that comes late moves one
 * step's bytes, so a paused program is not followed by a flood.
 */
export async function runDemoTraffic(
  engine: Pick<DemoEngine, "add" | "admits">,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const began = clock.monotonic();
  while (!signal.aborted) {
    const elapsed = clock.monotonic() - began;
    for (const [user, profile] of PROFILES) {
      const traffic = profile(elapsed);
      if (traffic.uplink + traffic.downlink > 0 && engine.admits(user)) engine.add(user, traffic);
    }
    await clock.sleep(STEP, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

/** One step's share of a rate in bytes per second. */
function perSecond(uplink: number, downlink: number): Traffic {
  const share = (rate: number) => bytes(Math.round((rate * STEP) / 1_000));
  return { uplink: share(uplink), downlink: share(downlink) };
}
