/**
 * The heart of the daemon: one loop that runs whatever has come due.
 *
 * Ticks are a grid on the monotonic clock, not a timer: the loop sleeps until
 * the first grid point at which a job is due and runs all that are. A tick on
 * which nothing can be due is slept through, since an empty 10 ms timer alone
 * costs 2 % of a core. A job that is still running when it comes due again is
 * not started a second time, and a late tick runs a job once however many
 * periods it missed, so load makes the daemon coarser and never makes it fall
 * behind. (Redis does the same with `run_with_period`.)
 */
import type { Clock } from "../clock.ts";
import { type Milliseconds, type MonotonicTime, milliseconds, monotonicTime } from "../units.ts";
import { finished, type JobHealth, newHealth, started } from "./health.ts";

export interface Job {
  readonly name: string;
  /**
   * When the job is next due: 0 or a moment long past for "at once", `Infinity`
   * for "not before somebody calls `wake()`". Asked in every pass, so it must be
   * cheap; `run` moves it before its first await.
   */
  dueAt(): MonotonicTime;
  /**
   * Runs once. `tick` is the grid point it runs for: a period counted from it
   * does not drift.
   */
  run(tick: MonotonicTime, signal: AbortSignal): Promise<void> | void;
}

export interface SchedulerOptions {
  readonly clock: Clock;
  readonly tick: Milliseconds;
  readonly jobs: readonly Job[];
  /** Hears of every run that threw. It must not throw. */
  readonly onJobError: (job: Job, error: unknown) => void;
}

/** The longest sleep: it bounds how long a wrong `dueAt` could go unnoticed. */
const LONGEST_SLEEP = milliseconds(60_000);

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #running = new Map<Job, Promise<void>>();
  readonly #health: ReadonlyMap<Job, JobHealth>;
  #alarm = new AbortController();
  #sleepingUntil = monotonicTime(0);
  /** The grid point each job last ran for. */
  readonly #ranAt = new Map<Job, MonotonicTime>();
  #lastPass: MonotonicTime | undefined;
  /** Since when a job that still runs has been due again. */
  readonly #dueSince = new Map<Job, MonotonicTime>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#health = new Map(options.jobs.map((job) => [job, newHealth(job.name)]));
  }

  /** Ends the present sleep: some job may be due earlier than it said. */
  wake(): void {
    this.#alarm.abort();
  }

  health(): readonly JobHealth[] {
    return [...this.#health.values()];
  }

  /** Runs until `signal` aborts, then resolves once every started job has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, tick } = this.#options;
    const wake = () => this.wake();
    signal.addEventListener("abort", wake);
    try {
      while (!signal.aborted) {
        // Renewed before the jobs are asked, so that a wake() during the pass ends the sleep after it.
        if (this.#alarm.signal.aborted) this.#alarm = new AbortController();
        const now = clock.monotonic();
        const next = this.#startDueJobs(now, signal);
        this.#sleepingUntil = monotonicTime(Math.ceil(next / tick) * tick);
        const span = milliseconds(Math.max(0, this.#sleepingUntil - now));
        await clock.sleep(span, this.#alarm.signal).catch(() => undefined); // woken, not failed
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
    await Promise.all(this.#running.values());
  }

  /** @returns the moment of the next pass. A running job that is overdue has none: its end wakes the loop. */
  #startDueJobs(now: MonotonicTime, signal: AbortSignal): number {
    const { tick, jobs } = this.#options;
    const gridPoint = monotonicTime(Math.floor(now / tick) * tick);
    let next: number = now + LONGEST_SLEEP;
    const lastPass = this.#lastPass ?? now;
    this.#lastPass = now;
    for (const job of jobs) {
      const askedAt = job.dueAt();
      // At most once per grid point: a job that stays due while it fails must not spin.
      if (askedAt <= now && this.#ranAt.get(job) !== gridPoint) {
        // Not seen due by the last pass, it became so after it, whatever moment it names.
        const since = monotonicTime(Math.max(askedAt, this.#dueSince.get(job) ?? lastPass));
        if (this.#running.has(job)) this.#dueSince.set(job, since);
        else this.#start(job, milliseconds(now - since), gridPoint, now, signal);
      }
      const due = job.dueAt();
      if (!this.#running.has(job)) next = Math.min(next, Math.max(due, gridPoint + tick));
      else if (due > now) next = Math.min(next, due);
    }
    return next;
  }

  #start(
    job: Job,
    lag: Milliseconds,
    gridPoint: MonotonicTime,
    now: MonotonicTime,
    signal: AbortSignal,
  ): void {
    const health = this.#health.get(job) as JobHealth;
    this.#dueSince.delete(job);
    this.#ranAt.set(job, gridPoint);
    started(health, now, lag, this.#options.tick);
    try {
      const run = job.run(gridPoint, signal);
      if (run === undefined) return this.#end(job, health, undefined, signal);
      this.#running.set(
        job,
        run.then(
          () => this.#end(job, health, undefined, signal),
          (error: unknown) => this.#end(job, health, error, signal),
        ),
      );
    } catch (error) {
      this.#end(job, health, error, signal);
    }
  }

  #end(job: Job, health: JobHealth, error: unknown, signal: AbortSignal): void {
    const stopped = signal.aborted && error === signal.reason;
    finished(health, this.#options.clock.monotonic(), stopped ? undefined : error);
    const nextAt = Math.max(job.dueAt(), (this.#ranAt.get(job) ?? 0) + this.#options.tick);
    if (this.#running.delete(job) && nextAt < this.#sleepingUntil) this.wake();
    if (error !== undefined && !stopped) this.#options.onJobError(job, error);
  }
}
