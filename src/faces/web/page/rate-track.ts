/**
 * The rates of the last minutes, for a chart that moves. Where nothing was
 * heard there is a gap, never a zero.
 *
 * Pure: no clock, no I/O.
 */
export interface RateTrack {
  /** Seconds since 1970. */
  readonly at: readonly number[];
  readonly uplink: readonly (number | null)[];
  readonly downlink: readonly (number | null)[];
}

export const NO_TRACK: RateTrack = { at: [], uplink: [], downlink: [] };

/** How far back it goes. */
export const KEPT_S = 180;
/** Polled, there is one every 5 s. */
const GAP_S = 8;

/** @param at ms since 1970. Rates in bytes a second. */
export function withRate(track: RateTrack, at: number, uplink: number, downlink: number): RateTrack {
  const now = at / 1000;
  const last = track.at.at(-1);
  if (last !== undefined && now <= last) return track;
  const gap = last !== undefined && now - last > GAP_S;
  const from = track.at.findIndex((one) => one >= now - KEPT_S);
  const keep = from === -1 ? track.at.length : from;
  return {
    at: [...track.at.slice(keep), ...(gap ? [now - 0.001] : []), now],
    uplink: [...track.uplink.slice(keep), ...(gap ? [null] : []), uplink],
    downlink: [...track.downlink.slice(keep), ...(gap ? [null] : []), downlink],
  };
}
