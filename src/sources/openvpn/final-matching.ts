/**
 * Which login a hook's last figures belong to, and whether they can be true.
 *
 * The hook knows no client ID. User and beginning nearly always name one login;
 * where several devices of one user came in the same second, the address does,
 * and else the figures: a login's last ones are at least those seen before.
 *
 * Pure: no clock, no I/O.
 */
import type { Traffic } from "../../units.ts";
import type { FinalFigures } from "./final-figures.ts";

/** A login, or a counter of one, that figures may belong to. */
export interface Candidate {
  /** Where its packets come from; undefined where only its counter is known. */
  readonly realAddress: string | undefined;
  /** What is known to have passed. */
  readonly traffic: Traffic;
  /** Its row is gone from the status: it has ended. */
  readonly gone: boolean;
  /** It has ended and has had its last figures. */
  readonly settled: boolean;
}

/** Its packets may have waited in a hook or in the server when it ended. */
const SLACK_MS = 5_000;
/** Hooks run within seconds of an end, and time_duration is in whole ones. */
const LATEST_MS = 60_000;

/**
 * The candidate that the figures belong to, if any does: first by its address,
 * then by figures that it has had before, then the one that is gone and came
 * nearest. A row that stands is of a login that has not ended.
 *
 * @param standing whether a row may stand for one that has ended all the same, as in a file that was not written since.
 */
export function matchOf<Item extends Candidate>(
  final: Pick<FinalFigures, "realAddress" | "traffic">,
  candidates: readonly Item[],
  standing: boolean,
): Item | undefined {
  const here = candidates.filter(({ realAddress }) => realAddress === final.realAddress);
  const same = ({ traffic }: Candidate) =>
    traffic.uplink === final.traffic.uplink && traffic.downlink === final.traffic.downlink;
  return (
    here.find((one) => one.settled && same(one)) ??
    bestOf(final, here) ??
    here[0] ??
    candidates.find((one) => (one.gone || one.settled) && same(one)) ??
    bestOf(final, standing ? candidates : candidates.filter(({ gone }) => gone))
  );
}

/** Of those that had no figures yet: one that is gone, then one that fits, then the one that came nearest. */
function bestOf<Item extends Candidate>(
  final: Pick<FinalFigures, "traffic">,
  candidates: readonly Item[],
): Item | undefined {
  const worth = ({ gone, traffic }: Candidate) =>
    [gone, fits(traffic, final.traffic), traffic.uplink + traffic.downlink].map(Number);
  return candidates
    .filter(({ settled }) => !settled)
    .toSorted((left, right) => difference(worth(right), worth(left)))[0];
}

function difference(left: readonly number[], right: readonly number[]): number {
  for (const [at, value] of left.entries()) {
    const other = right[at] ?? 0;
    if (value !== other) return value - other;
  }
  return 0;
}

function fits(seen: Traffic, final: Traffic): boolean {
  return seen.uplink <= final.uplink && seen.downlink <= final.downlink;
}

/**
 * Why figures cannot be true; undefined if they can. The server's user wrote
 * them, and on many hosts that is a user of other programs too.
 *
 * @param seen what is known of the login; undefined for one never seen.
 * @param lineRate bytes per millisecond that the host can move, both directions together.
 */
export function implausible(
  { traffic, since, duration, writtenAt }: FinalFigures,
  seen: Traffic | undefined,
  lineRate: number,
): string | undefined {
  const more =
    Math.max(0, traffic.uplink - (seen?.uplink ?? 0)) + Math.max(0, traffic.downlink - (seen?.downlink ?? 0));
  const most = Math.floor(lineRate * (duration * 1000 + SLACK_MS));
  if (more > most) return `${more} more bytes in ${duration} s are above the line rate (${most} at most)`;
  const off = Math.abs((since + duration) * 1000 - writtenAt);
  if (!seen && off > LATEST_MS) {
    return `no such login was seen, and it ended ${Math.round(off / 1000)} s off the time the file was written`;
  }
  return undefined;
}
