/**
 * The day the books are in: the wall clock's, unless the wall clock cannot be
 * trusted.
 *
 * A clock that jumps more than 26 hours ahead (a dead battery, a wrong year)
 * would end every period at once. Turns are then held for ten minutes, or until
 * the kernel says the clock is synchronised.
 */
import { type Day, dayAt } from "../calendar.ts";
import type { Clock } from "../clock.ts";
import type { MonotonicTime, UnixTime } from "../units.ts";

const SUSPICIOUS_JUMP_MS = 26 * 3_600_000;
const HOLD_MS = 600_000;

export interface TodayOptions {
  readonly clock: Clock;
  readonly zone: string;
  /** The last moment the books know of; 0 on a fresh install. */
  readonly lastKnown: UnixTime;
  readonly synchronised: () => boolean | undefined;
  readonly onJump: (from: UnixTime, to: UnixTime) => void;
}

export class Today {
  readonly #options: TodayOptions;
  #day: Day;
  #checkedUnix: UnixTime;
  #checkedMonotonic: MonotonicTime;
  #heldUntil: number | undefined;

  constructor(options: TodayOptions) {
    const { clock, zone, lastKnown } = options;
    this.#options = options;
    this.#checkedMonotonic = clock.monotonic();
    this.#checkedUnix = lastKnown > 0 ? lastKnown : clock.unix();
    this.#day = dayAt(this.#checkedUnix, zone);
    this.day();
  }

  /** The day of the books now. While turns are held, the day before the jump. */
  day(): Day {
    const { clock, zone, synchronised, onJump } = this.#options;
    const now = clock.unix();
    const monotonic = clock.monotonic();
    const jumped = now - this.#checkedUnix - (monotonic - this.#checkedMonotonic) > SUSPICIOUS_JUMP_MS;
    if (jumped && this.#heldUntil === undefined && synchronised() !== true) {
      this.#heldUntil = monotonic + HOLD_MS;
      onJump(this.#checkedUnix, now);
    }
    if (this.#heldUntil !== undefined) {
      const backAgain =
        Math.abs(now - this.#checkedUnix - (monotonic - this.#checkedMonotonic)) < SUSPICIOUS_JUMP_MS;
      if (monotonic < this.#heldUntil && synchronised() !== true && !backAgain) return this.#day;
      this.#heldUntil = undefined;
    }
    this.#checkedUnix = now;
    this.#checkedMonotonic = monotonic;
    if (now < this.#day.start || now >= this.#day.end) this.#day = dayAt(now, zone);
    return this.#day;
  }
}
