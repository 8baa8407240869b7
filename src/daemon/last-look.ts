/**
 * The last look at an engine that is about to be stopped: its counters die with it.
 *
 *   1. new bytes and connections are kept out, so that what the engine has taken
 *      in and counted gets out to those it is for
 *   2. that is over when counters and queues stand still, or after two seconds
 *   3. acknowledgements are kept out too: nothing moves in it any more
 *   4. read, book, save; answer
 *   5. the hold ends with the engine's process, or after ten seconds
 *
 * Where its traffic cannot be held the look is taken all the same, and the
 * answer says what that leaves open. A stop of the engine never fails for it.
 */
import type { Clock } from "../clock.ts";
import type { LastLookReply } from "../control/rows.ts";
import { KernelUnavailableError, reasonOf, UnreachableError } from "../errors.ts";
import { type CgroupQueues, openCgroupQueues } from "../kernel/cgroup-queues.ts";
import type { Cgroup } from "../kernel/cgroups.ts";
import { type Hold, openHold } from "../kernel/hold-table.ts";
import { isRunning } from "../kernel/process.ts";
import { ownCgroup } from "../kernel/process-cgroup.ts";
import type { Epoch, KeeperName } from "../names.ts";
import type { EventFile } from "../storage/events.ts";
import { milliseconds } from "../units.ts";
import type { Meter } from "./meter.ts";

export interface EngineProcess {
  readonly pid: number;
  readonly start: string;
}

/** What the steps need of the engine and its meter. */
export interface LastLookOptions {
  readonly keeper: KeeperName;
  readonly clock: Clock;
  readonly events: EventFile;
  /** False where nothing may be touched: only looked. */
  readonly holds: boolean;
  readonly process: () => EngineProcess | undefined;
  /** Where its API answers on the loopback; undefined for a Unix socket. */
  readonly apiPort: number | undefined;
  /** The life its counters belong to, as the books have it. */
  readonly epoch: () => Epoch | undefined;
  /** What of its traffic is not held or not counted in time, as one clause; undefined where there is none. */
  readonly exception: () => string | undefined;
  readonly meter: () => Pick<Meter, "moves" | "nextLook"> | undefined;
  /** Makes a look that is due begin now. */
  readonly wake: () => void;
  /** Saves what is booked; why that failed, if it did. */
  readonly save: () => Promise<string | undefined>;
}

const LOOK_DEADLINE = milliseconds(1_000);
const LONGEST_DRAIN_MS = 2_000;
const LONGEST_STOP_MS = 500;
/** Standing still for so long with nothing queued is the end of it. */
const STILL_MS = 40;
/** With something queued it takes longer to tell a peer that is slow from one that is gone. */
const STUCK_MS = 300;
const LONGEST_HOLD_MS = 10_000;
const WATCH = milliseconds(10);

/** A hold that was taken, and whether it outlasts the engine. */
interface Held {
  readonly process: EngineProcess;
  /** The life whose last look it was; undefined before that look. */
  epoch: Epoch | undefined;
  readonly exception: string | undefined;
  /** Lifted while the engine was alive: what moved since is lost with it. */
  lapsed: boolean;
}

export class LastLook implements AsyncDisposable {
  readonly #options: LastLookOptions;
  readonly #stop = new AbortController();
  #held: Held | undefined;
  #taking: Promise<LastLookReply> | undefined;
  #watching: Promise<void> = Promise.resolve();

  constructor(options: LastLookOptions) {
    this.#options = options;
  }

  /** Takes it, or waits for the one that is being taken. Does not throw for anything the engine or the kernel does. */
  take(): Promise<LastLookReply> {
    this.#taking ??= this.#take(this.#stop.signal).finally(() => {
      this.#taking = undefined;
    });
    return this.#taking;
  }

  /** Whether all that this life of the engine counted is in the books. */
  lostNothing(epoch: Epoch): boolean {
    const held = this.#held;
    if (!held || held.lapsed || held.exception !== undefined) return false;
    return held.epoch === epoch && !isRunning(held.process);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #take(signal: AbortSignal): Promise<LastLookReply> {
    const { clock, save, epoch } = this.#options;
    const began = clock.monotonic();
    const engine = this.#options.process();
    // A second call, as from the unit's own command while Sluice restarts it: the first one's hold stands.
    const stands = engine !== undefined && this.#stands(engine);
    const obstacle = stands ? undefined : await this.#hold(engine, signal).catch(reasonOf);
    const unread = await this.#lastRead(signal);
    const unsaved = await save();
    const held = this.#held;
    if (held && unread !== undefined) held.lapsed = true;
    else if (held) held.epoch = epoch();
    const reply = {
      held: held !== undefined && !held.lapsed,
      waitedMs: Math.round(clock.monotonic() - began),
      text: this.#text({ obstacle, unread, unsaved, exception: held?.exception }),
    };
    if (!stands) this.#record(reply);
    return reply;
  }

  #stands({ pid, start }: EngineProcess): boolean {
    const held = this.#held;
    return held !== undefined && !held.lapsed && held.process.pid === pid && held.process.start === start;
  }

  /** @returns why nothing is held, or undefined once nothing moves any more. */
  async #hold(engine: EngineProcess | undefined, signal: AbortSignal): Promise<string | undefined> {
    const { apiPort, holds, exception } = this.#options;
    if (this.#held) this.#held.lapsed = true;
    this.#held = undefined;
    await this.#watching; // a hold that ends now would take the new one's table with it
    if (!holds) return "Sluice only observes";
    if (!engine || apiPort === undefined) return "its process is not known";
    const cgroup = ownCgroup(engine.pid);
    if (typeof cgroup === "string") return cgroup;
    using queues = queuesOf(cgroup, apiPort);
    let hold: Hold;
    try {
      hold = await openHold(cgroup, apiPort);
    } catch (error) {
      return reasonOf(error);
    }
    const held: Held = { process: engine, epoch: undefined, exception: exception(), lapsed: false };
    this.#watching = this.#watch(held, hold, signal);
    const restless = await this.#settle(hold, queues, signal).catch((error: unknown) => reasonOf(error));
    if (restless === undefined) this.#held = held;
    else held.lapsed = true;
    return restless;
  }

  /** @returns why it does not stand still. */
  async #settle(
    hold: Hold,
    queues: CgroupQueues | undefined,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    await this.#untilStill(LONGEST_DRAIN_MS, STUCK_MS, queues, signal);
    await hold.stop();
    const still = await this.#untilStill(LONGEST_STOP_MS, STILL_MS, undefined, signal);
    return still ? undefined : "some of its traffic goes on all the same";
  }

  /** @returns whether counters and queues stood still before `longest` was over. */
  async #untilStill(
    longest: number,
    stuck: number,
    queues: CgroupQueues | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clock } = this.#options;
    const began = clock.monotonic();
    let stillSince = began;
    let queued = queues?.read() ?? 0;
    for (;;) {
      const moved = await this.#look(signal);
      const left = queues?.read() ?? 0;
      const now = clock.monotonic();
      if (moved || left !== queued) stillSince = now;
      queued = left;
      if (now - stillSince >= (queued === 0 ? STILL_MS : stuck)) return true;
      if (now - began >= longest) return false;
    }
  }

  /** Reads and books everything, in turn with other looks. @returns whether bytes were booked meanwhile. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { clock, meter, wake } = this.#options;
    const watched = meter();
    const before = watched?.moves;
    const looked = watched?.nextLook().then(() => true);
    wake();
    const inTime = await Promise.race([looked, clock.sleep(LOOK_DEADLINE, signal).then(() => false)]);
    if (!inTime) throw new UnreachableError(`it did not answer within ${LOOK_DEADLINE} ms`);
    return watched?.moves !== before;
  }

  async #lastRead(signal: AbortSignal): Promise<string | undefined> {
    try {
      await this.#look(signal);
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  }

  /** Lifts the hold when the engine is gone, or when it must not be held any longer. */
  async #watch(held: Held, hold: Hold, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const end = clock.monotonic() + LONGEST_HOLD_MS;
    while (isRunning(held.process) && !held.lapsed) {
      if (signal.aborted || clock.monotonic() >= end) held.lapsed = true;
      else await clock.sleep(WATCH, signal).catch(() => undefined); // stopped: the loop ends
    }
    try {
      await hold[Symbol.asyncDispose]();
    } catch {
      // The kernel does it: what is in the table runs out.
    }
  }

  #text({ obstacle, unread, unsaved, exception }: Readonly<Record<string, string | undefined>>): string {
    const { keeper } = this.#options;
    if (unread !== undefined)
      return `Cannot take a last look at ${keeper}: ${unread}; what moved since the one before is lost`;
    const booked = unsaved === undefined ? "booked and saved" : `booked, but cannot be saved: ${unsaved}`;
    if (obstacle !== undefined) {
      return `What ${keeper} has counted is ${booked}; its traffic is not held (${obstacle}), so what moves before it stops is lost`;
    }
    const whole = exception === undefined ? "nothing is lost" : `nothing is lost but ${exception}`;
    return `All that ${keeper} counted is ${booked}; its traffic is held until it has stopped: ${whole}`;
  }

  #record({ held, waitedMs, text }: LastLookReply): void {
    const { keeper, events } = this.#options;
    events.record("last-look", text, { keeper, held, took_ms: waitedMs }, held ? "info" : "warning");
  }
}

/** Without them the counters alone tell when nothing moves. */
function queuesOf(cgroup: Cgroup, apiPort: number): CgroupQueues | undefined {
  try {
    return openCgroupQueues(cgroup.id, apiPort);
  } catch (error) {
    if (error instanceof KernelUnavailableError) return undefined;
    throw error;
  }
}
