/**
 * Keeps one watch on another process for as long as somebody wants it, and
 * opens it anew, less and less often, while that process is away.
 */
import type { Clock } from "../../../clock.ts";
import { reasonOf } from "../../../errors.ts";
import { type MonotonicTime, milliseconds } from "../../../units.ts";

export interface FollowerOptions<Part> {
  readonly clock: Clock;
  /** Opens the watch; it ends when the signal aborts. */
  readonly open: (signal: AbortSignal) => AsyncIterable<Part>;
  /** @param first nothing of this watch was heard before. */
  readonly onPart: (part: Part, first: boolean) => void;
  /** Told once each time that it stops answering. */
  readonly onTrouble: (text: string) => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;

export class Follower<Part> {
  readonly #options: FollowerOptions<Part>;
  #ended: AbortController | undefined;
  /** Of the watch that is open now. */
  #watch = new AbortController();
  #trouble = "";
  #heardAt: MonotonicTime | undefined;
  #openedAt: MonotonicTime | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: FollowerOptions<Part>) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#ended !== undefined;
  }

  /** Why nothing is heard; "" while something is, or nothing was tried yet. */
  get trouble(): string {
    return this.#trouble;
  }

  /** When something was heard last; undefined when nothing was heard of the present watch. */
  get heardAt(): MonotonicTime | undefined {
    return this.#heardAt;
  }

  /** Since when the present watch has said nothing; undefined while none is open. */
  get quietSince(): MonotonicTime | undefined {
    return this.#heardAt ?? this.#openedAt;
  }

  start(): void {
    if (this.#ended) return;
    this.#ended = new AbortController();
    void this.#run(this.#ended.signal);
  }

  stop(): void {
    this.#ended?.abort();
    this.#ended = undefined;
    this.#watch.abort();
    this.#heardAt = undefined;
    this.#openedAt = undefined;
    this.#trouble = "";
    this.#settle();
  }

  /** Gives the present watch up and opens another. */
  renew(why: string): void {
    this.#fail(why);
    this.#watch.abort();
  }

  /** Resolves when something was heard, or it is known that nothing will be soon. */
  async settled(): Promise<void> {
    if (!this.running || this.#heardAt !== undefined || this.#trouble !== "") return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async #run(ended: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    for (let wait = FIRST_WAIT_MS; !ended.aborted; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      if (await this.#follow(ended)) wait = FIRST_WAIT_MS;
      // The loop ends with the signal.
      await clock.sleep(milliseconds(wait), ended).catch(() => undefined);
    }
  }

  /** @returns whether anything was heard. */
  async #follow(ended: AbortSignal): Promise<boolean> {
    const { open, onPart, clock } = this.#options;
    const watch = new AbortController();
    this.#watch = watch;
    this.#openedAt = clock.monotonic();
    let heard = false;
    try {
      for await (const part of open(watch.signal)) {
        if (watch.signal.aborted) break;
        this.#heardAt = clock.monotonic();
        this.#trouble = "";
        onPart(part, !heard);
        heard = true;
        this.#settle();
      }
      if (!ended.aborted && !watch.signal.aborted) this.#fail("It ended the conversation");
    } catch (error) {
      if (!ended.aborted && !watch.signal.aborted) this.#fail(reasonOf(error));
    }
    return heard;
  }

  #fail(why: string): void {
    this.#heardAt = undefined;
    this.#openedAt = undefined;
    const known = this.#trouble !== "";
    this.#trouble = why;
    if (!known) this.#options.onTrouble(why);
    this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
