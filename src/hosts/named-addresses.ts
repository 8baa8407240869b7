/**
 * Addresses that logs tell of, held back until it is known whether a packet showed
 * a name there: a client that looks names up itself asks an engine for an address,
 * and says the name in its ClientHello.
 *
 * Pure but for what it remembers, a bounded number.
 */
import type { UnixTime } from "../units.ts";
import type { Sighting } from "./sighting.ts";

/** A ClientHello comes within a round trip of the line, or of a slow client's. */
const PATIENCE_MS = 3_000;
/** For how long a name speaks for its address. */
const NAMED_MS = 60_000;
const MOST = 20_000;

export class NamedAddresses {
  readonly #named = new Map<string, UnixTime>();
  #waiting: Sighting[] = [];

  /** Notes that a name was seen at this address, as text. */
  name(address: string, at: UnixTime): void {
    this.#named.delete(address);
    this.#named.set(address, at);
    if (this.#named.size <= MOST) return;
    const [oldest] = this.#named.keys();
    if (oldest !== undefined) this.#named.delete(oldest);
  }

  /** Holds a sight of an address back. A burst beyond what can be held is let go. */
  hold(sighting: Sighting): void {
    if (this.#waiting.length < MOST) this.#waiting.push(sighting);
  }

  /** Those that have waited for long enough and showed no name. */
  nameless(now: UnixTime): Sighting[] {
    const due = this.#waiting.findIndex(({ at }) => at > now - PATIENCE_MS);
    const ready = this.#waiting.splice(0, due < 0 ? this.#waiting.length : due);
    return ready.filter(({ host, at }) => {
      const named = this.#named.get(host);
      return named === undefined || Math.abs(at - named) > NAMED_MS;
    });
  }
}
