/**
 * What an account moved between two looks at its books, service by service.
 *
 * Pure: no clock, no I/O.
 */
import { NO_TRAFFIC, type Traffic } from "../units.ts";

/** Bytes by service, since a process or an account began. Replaced, never changed in place. */
export type Moved = ReadonlyMap<string, Traffic>;

export interface MovedBytes {
  readonly service: string;
  /** Bytes. */
  readonly up: number;
  readonly down: number;
}

/**
 * @param before as it was at the look before; undefined at the first, where all is new.
 * Less than before is another account of the same name, so all of it is new too.
 */
export function usageSince(before: Moved | undefined, now: Moved): MovedBytes[] {
  const increases: MovedBytes[] = [];
  for (const [service, traffic] of now) {
    const known = before?.get(service) ?? NO_TRAFFIC;
    if (known === traffic) continue;
    const begunAnew = traffic.uplink < known.uplink || traffic.downlink < known.downlink;
    const from = begunAnew ? NO_TRAFFIC : known;
    const [up, down] = [traffic.uplink - from.uplink, traffic.downlink - from.downlink];
    if (up > 0 || down > 0) increases.push({ service, up, down });
  }
  return increases;
}
