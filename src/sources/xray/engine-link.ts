/**
 * Keeps one engine connected and knows which life of it answers.
 *
 * After a loss it connects again at once, then with a growing, jittered delay.
 * A new connection is not handed out before the engine's life is confirmed and
 * the daemon has done what an engine that forgot everything needs first: cuts
 * applied again.
 */
import type { Clock } from "../../clock.ts";
import { reasonOf, SourceUnavailableError, UnreachableError } from "../../errors.ts";
import type { Epoch, KeeperName } from "../../names.ts";
import { milliseconds, monotonicTime, type UnixTime, unixTime } from "../../units.ts";
import { type EngineIdentity, epochOf, isSameLife } from "./epoch.ts";
import { isUnimplemented, Session } from "./session.ts";

export interface EngineLinkOptions {
  readonly keeper: KeeperName;
  /** In grpc-js's form. */
  readonly target: string;
  readonly clock: Clock;
  readonly bootId: string;
  /** The process that answers at the target, when this host can see it. */
  readonly process: () => { readonly pid: number; readonly start: string } | undefined;
  /** What the books know of the engine's lives; undefined before the first look. */
  readonly remembered: () => { epoch: Epoch; pastEpochs: readonly Epoch[]; lastLook: UnixTime } | undefined;
  /** Runs on every new connection before anyone else may use it. Its failure drops the connection. */
  readonly onConnected: (session: Session, epoch: Epoch, signal: AbortSignal) => Promise<void>;
  /** Hears of each connection that is ready to be read. */
  readonly onReady: () => void;
}

const CONNECT_DEADLINE = milliseconds(2_000);
const CALL_DEADLINE = milliseconds(5_000);
const FIRST_DELAY_MS = 10;
const LONGEST_DELAY_MS = 1_000;
/** A connection that lasted this long was a good one. */
const SETTLED_MS = 1_000;

export class EngineLink implements AsyncDisposable {
  readonly #options: EngineLinkOptions;
  readonly #stop = new AbortController();
  #session: Session | undefined;
  #epoch: Epoch | undefined;
  #trouble: Error = new UnreachableError("not connected yet");
  #running: Promise<void> | undefined;

  constructor(options: EngineLinkOptions) {
    this.#options = options;
  }

  /** The life that answers on the present connection. */
  get epoch(): Epoch | undefined {
    return this.#session?.alive ? this.#epoch : undefined;
  }

  get connected(): boolean {
    return this.#session?.alive === true;
  }

  /** Begins to connect; returns at once. */
  start(): void {
    this.#running ??= this.#run(this.#stop.signal);
  }

  /** @throws {SourceUnavailableError} while there is no confirmed connection. */
  session(): Session {
    if (!this.#session?.alive) throw new SourceUnavailableError(this.#options.keeper, this.#trouble);
    return this.#session;
  }

  /** Gives the present connection up, as after an answer that cannot be trusted. */
  drop(why: Error): void {
    this.#trouble = why;
    this.#session?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#session?.close();
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let delay = 0;
    while (!signal.aborted) {
      const lost = Promise.withResolvers<void>();
      const began = clock.monotonic();
      try {
        await this.#connect(lost.resolve, signal);
        await lost.promise;
      } catch (error) {
        this.#trouble = error instanceof Error ? error : new Error(reasonOf(error));
      }
      // At once after a connection that had held; one that comes and goes must not keep us busy.
      delay = clock.monotonic() - began > SETTLED_MS ? 0 : nextDelay(delay);
      if (delay === 0) continue;
      const jittered = milliseconds(delay * (0.75 + Math.random() / 2));
      await clock.sleep(jittered, signal).catch(() => undefined); // stopped: the loop ends
    }
  }

  async #connect(onLost: () => void, signal: AbortSignal): Promise<void> {
    const { target, remembered, keeper, onConnected } = this.#options;
    const session = await Session.open(target, CONNECT_DEADLINE, onLost);
    try {
      const identity = await this.#identify(session);
      const known = remembered();
      if (
        known?.pastEpochs.some((epoch) => isExactly(epoch, identity)) &&
        !isExactly(known.epoch, identity)
      ) {
        throw new UnreachableError(
          `Cannot trust the engine at ${target}: an earlier one answers again, so two of them share the address`,
        );
      }
      const epoch =
        known && isSameLife(known.epoch, identity, known.lastLook) ? known.epoch : epochOf(identity);
      await onConnected(session, epoch, signal);
      if (!session.alive)
        throw new SourceUnavailableError(keeper, "the connection ended while it was being checked");
      this.#session = session;
      this.#epoch = epoch;
      this.#trouble = new UnreachableError(`the connection to ${target} ended`);
      this.#options.onReady();
    } catch (error) {
      session.close();
      throw error;
    }
  }

  async #identify(session: Session): Promise<EngineIdentity> {
    const { clock, bootId, process } = this.#options;
    const askedAt = clock.monotonic();
    let uptime: number | undefined;
    try {
      const stats = await session.call<{ uptime: number }>("StatsService", "GetSysStats", {}, CALL_DEADLINE);
      uptime = stats.uptime * 1000;
    } catch (error) {
      if (!isUnimplemented(error)) throw error; // an engine without it is known by its process alone
    }
    const now = clock.monotonic();
    return {
      bootId,
      process: process(),
      began:
        uptime === undefined
          ? undefined
          : {
              monotonic: monotonicTime(now - uptime),
              unix: unixTime(clock.unix() - uptime),
              uncertainty: now - askedAt,
            },
    };
  }
}

/** Whether it is that very life: by its process or, where this host cannot see one, by when it began. */
function isExactly(epoch: Epoch, { bootId, process, began }: EngineIdentity): boolean {
  const sameProcess = process && epoch.startsWith(`${bootId}/${process.pid}.${process.start}/`);
  const [, , monotonic] = epoch.split("/");
  const tellsBeginning = began && monotonic;
  if (process ? !sameProcess : !tellsBeginning) return false;
  return isSameLife(epoch, { bootId, process, began }, unixTime(0));
}

function nextDelay(delay: number): number {
  return Math.min(LONGEST_DELAY_MS, Math.max(FIRST_DELAY_MS, delay * 2));
}
