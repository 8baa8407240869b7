/** Waits for a condition that some other process brings about, with a bound. */
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 20;

/**
 * What `probe` gives as soon as it gives something other than undefined or false.
 *
 * @param what completes "... did not come true", for the message.
 * @throws {Error} after `withinMs`, with `now()` at that moment if it is given.
 */
export async function until<Value>(
  what: string,
  probe: () => Promise<Value | undefined | false> | Value | undefined | false,
  withinMs = 10_000,
  now?: () => unknown,
): Promise<Value> {
  const giveUp = performance.now() + withinMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > giveUp) {
      const state = now ? `; now: ${JSON.stringify(await now())}` : "";
      throw new Error(`Cannot wait any longer: within ${withinMs} ms "${what}" did not come true${state}`);
    }
    await delay(POLL_MS);
  }
}
