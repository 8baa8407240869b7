/**
 * One thing counted twice: payload by the engine, IP bytes by the kernel.
 *
 * The books hold the engine's figure, and the gate shuts at one of the
 * kernel's. What lies between them is headers, whose share is each account's
 * own (large packets or small, TCP or UDP, merged by the network card or not),
 * and bytes the kernel has let pass and the engine has not counted yet.
 *
 * Pure: no clock, no I/O.
 */
import { type Bytes, bytes } from "../../units.ts";

/** Counted bytes at one moment, each cumulative from a beginning of its own. */
export interface Pair {
  readonly engine: number;
  readonly kernel: number;
}

/** How many of the kernel's bytes one of the engine's takes, as measured so far. */
export interface Ratio {
  /** Of the last few measurements, the latest last; 1 to 2 each. */
  readonly measured: readonly number[];
  /** Where the present measurement began. */
  readonly since: Pair;
}

const LEAST_MEASURED = 1 << 20;
const REMEMBERED = 4;
/** Small datagrams have as many bytes of headers as of payload. */
const HIGHEST_RATIO = 2;
/** One that is not learned yet: a gate set by it shuts early and is opened again. */
const LOWEST_RATIO = 1;

/** A gate is first set at least this far below the limit; the rest is let through when both counts stand still. */
const LEAST_MARGIN = 512 << 10;
/** Less than this is not worth opening a gate for: a packet of that size may not fit whole. */
export const NOTHING_LEFT = 64 << 10;
/**
 * Nor is this, once a gate was opened for the last bytes and none was counted:
 * an engine counts on only when a good part of its send buffer is free (a third
 * of it, on Linux), and what passes meanwhile is an upload that was counted long ago.
 */
export const LITTLE_LEFT = 192 << 10;

export function beginRatio(now: Pair): Ratio {
  return { measured: [], since: now };
}

/**
 * Measures on.
 *
 * @param now a pair of a moment at which nothing moves: while bytes are on
 * their way between the two counters, their share would pass for headers. An
 * engine that began anew, or bytes that passed no gate, begin the measurement anew.
 */
export function learnRatio(ratio: Ratio, now: Pair): Ratio {
  const engine = now.engine - ratio.since.engine;
  const kernel = now.kernel - ratio.since.kernel;
  if (engine < 0 || kernel < 0) return { ...ratio, since: now };
  if (engine < LEAST_MEASURED) return ratio;
  const measured = kernel / engine;
  if (measured < LOWEST_RATIO || measured > HIGHEST_RATIO) return { ...ratio, since: now };
  return { measured: [...ratio.measured, measured].slice(-REMEMBERED), since: now };
}

/** The lowest of what was measured, so that a gate errs to the early side. */
export function ratioOf({ measured }: Ratio): number {
  return measured.length === 0 ? LOWEST_RATIO : Math.min(...measured);
}

/** What the kernel's and the engine's figure of one account tell at one moment. */
export interface Standing {
  /** Counted bytes that passed the gate. */
  readonly kernel: number;
  /** The engine's bytes to the limit. */
  readonly remaining: number;
  /** Payload that passed the gate and waits to be read by the engine. */
  readonly uncounted: number;
  /**
   * Bytes on their way that nobody can be asked for: as many as passed since
   * the look before, at most. 0 when all stands still, and the rest can be let
   * through to the last byte.
   */
  readonly underWay: number;
}

/** The kernel's figure at which the gate shuts. */
export function shutAt({ kernel, remaining, uncounted, underWay }: Standing, ratio: Ratio): Bytes {
  const margin = underWay === 0 ? 0 : Math.max(LEAST_MARGIN, underWay);
  const payload = Math.max(0, remaining - uncounted - margin);
  const most = Number.MAX_SAFE_INTEGER - kernel;
  return bytes(kernel + Math.min(Math.floor(payload * ratioOf(ratio)), most));
}

/**
 * Where an open gate that stands at `now` goes.
 *
 * @param cautious where it shuts as long as bytes may be on their way.
 * @param exact where it would if none were: for a gate that was opened when all
 * stood still, and whose place is right until the limit changes. Bytes on their
 * way only put this too far, so the nearer of it and `now` is safe, and the
 * margin is not held against the last bytes a second time.
 */
export function moveGate(now: Bytes, cautious: Bytes, exact: Bytes | undefined): Bytes {
  return exact === undefined ? cautious : bytes(Math.max(cautious, Math.min(now, exact)));
}
