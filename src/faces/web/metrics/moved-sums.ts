/**
 * What all accounts moved, as a counter that never falls: what one moved who is
 * deleted stays in it, and one who begins again at nothing adds what he moves then.
 *
 * No clock, no I/O.
 */
import type { UserRow } from "../../../control/rows.ts";

/** Bytes: plain numbers, as the sum of many lives may pass what can be counted exactly. */
export interface Moved {
  readonly uplink: number;
  readonly downlink: number;
}

const NOTHING: Moved = { uplink: 0, downlink: 0 };

export class MovedSums {
  #known = new Map<string, Moved>();
  #sum = NOTHING;

  /** @returns the sums with what these have now. */
  take(users: Iterable<UserRow>): Moved {
    const known = new Map<string, Moved>();
    let { uplink, downlink } = this.#sum;
    for (const { name, lifetimeUplinkBytes, lifetimeDownlinkBytes } of users) {
      const now = { uplink: lifetimeUplinkBytes, downlink: lifetimeDownlinkBytes };
      const before = this.#known.get(name) ?? NOTHING;
      const again = now.uplink < before.uplink || now.downlink < before.downlink;
      uplink += now.uplink - (again ? 0 : before.uplink);
      downlink += now.downlink - (again ? 0 : before.downlink);
      known.set(name, now);
    }
    this.#known = known;
    this.#sum = { uplink, downlink };
    return this.#sum;
  }
}
