/**
 * The desk where faces ask: rows made from the books, orders passed to the clerk.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Settings } from "../config.ts";
import type {
  Desk,
  GateRow,
  ImportFailure,
  ImportRow,
  LastLookReply,
  LimitRequest,
  Status,
  StopStep,
  UserList,
  UserRow,
  UserState,
} from "../control/rows.ts";
import { RefusedRequestError } from "../errors.ts";
import { marksOf, SERVICE_XRAY } from "../kernel/account-marks.ts";
import { type UserName, userName } from "../names.ts";
import { parsePeriod, periodText } from "../rules.ts";
import type { JobHealth } from "../scheduler/health.ts";
import { accountDocument } from "../storage/account-format.ts";
import { bytes, type MonotonicTime } from "../units.ts";
import { VERSION } from "../version.ts";
import type { Books, Entry } from "./books.ts";
import type { Clerk } from "./clerk.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import type { Importer } from "./importer.ts";
import type { LastLook } from "./last-look.ts";
import type { Meter } from "./meter.ts";
import { Rates } from "./rates.ts";
import type { Saver } from "./saver.ts";
import type { SshPart } from "./ssh-part.ts";
import type { XrayPart } from "./xray-part.ts";

export interface DeskOptions {
  readonly settings: Settings;
  readonly mode: "enforce" | "observe";
  readonly books: Books;
  readonly clerk: Clerk;
  readonly importer: Importer;
  readonly gatekeeper: Gatekeeper;
  readonly saver: Saver;
  readonly clock: Clock;
  readonly meters: readonly Meter[];
  readonly engines: readonly XrayPart[];
  /** None while the books are only edited: the daemon does it. */
  readonly lastLooks: () => ReadonlyMap<string, LastLook>;
  readonly ssh: SshPart | undefined;
  readonly jobs: () => readonly JobHealth[];
  /** Somebody begins (1) or ceases (-1) to watch: looks come more often meanwhile. */
  readonly watchers: (change: 1 | -1) => void;
  readonly startedAt: MonotonicTime;
}

const SHORTEST_WATCH_MS = 100;
const LONGEST_WATCH_MS = 60_000;
/** Some 200 KB in one message, and a moment of the loop. */
const ACCOUNTS_AT_ONCE = 100;

export class DaemonDesk implements Desk {
  readonly #options: DeskOptions;
  readonly #rates = new Rates();

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  async status(): Promise<Status> {
    const { settings, mode, books, saver, meters, engines, ssh, jobs, clock, startedAt } = this.#options;
    const entries = [...books.accounts.values()];
    return {
      version: VERSION,
      mode,
      pid: process.pid,
      uptimeMs: Math.round(clock.monotonic() - startedAt),
      stateDirectory: settings.stateDirectory,
      timeZone: settings.timeZone,
      count: settings.count,
      pace: settings.pace,
      tickMs: settings.tick,
      accounts: entries.length,
      denied: entries.filter(({ verdict }) => verdict.kind === "deny").length,
      saveTrouble: saver.trouble ?? "",
      sources: meters
        .filter(({ name }) => name !== ssh?.gate.name || !ssh.idle)
        .map((meter) => {
          const health = meter.health();
          return {
            name: health.name,
            answering: health.answering,
            trouble: health.trouble ?? "",
            lastLookMs: health.lastLook ?? 0,
            periodMs: health.period,
            close: health.close,
            notes:
              health.name === ssh?.gate.name
                ? ssh.notes()
                : (engines.find(({ settings: { name } }) => name === health.name)?.notes() ?? []),
          };
        }),
      jobs: jobs().map((job) => ({
        name: job.name,
        runs: job.runs,
        failures: job.failures,
        skippedTicks: job.skippedTicks,
        lastMs: job.lastDuration,
        longestMs: job.longestDuration,
        lastLagMs: job.lastLag,
        longestLagMs: job.longestLag,
        lastError: job.lastError ?? "",
      })),
    };
  }

  async listUsers(name: string): Promise<readonly UserRow[]> {
    const { books } = this.#options;
    const entries = name === "" ? [...books.accounts.values()] : [books.entry(name as UserName)];
    return entries
      .map((entry) => ({
        ...this.#row(entry),
        unreportedBytes: this.#options.engines.reduce((sum, engine) => sum + engine.unreported(entry), 0),
        stops: this.#stops(entry),
      }))
      .sort(byName);
  }

  async setLimit(request: LimitRequest, by: string): Promise<UserRow> {
    const entry = await this.#options.clerk.setLimits(
      {
        name: userName(request.name),
        total: request.totalBytes === undefined ? undefined : bytes(request.totalBytes),
        daily: request.dailyBytes === undefined ? undefined : bytes(request.dailyBytes),
        period: request.period === "" ? undefined : parsePeriod(request.period),
        yes: request.yes,
        create: request.create,
        services: request.services ?? [],
      },
      by,
    );
    return this.#row(entry);
  }

  async reset(
    { name, all }: { readonly name: string; readonly all: boolean },
    by: string,
  ): Promise<readonly UserRow[]> {
    const { books, clerk } = this.#options;
    const names = all ? [...books.accounts.keys()] : [name as UserName];
    const rows: UserRow[] = [];
    for (const each of names) rows.push(this.#row(await clerk.reset(each, by)));
    return rows.sort(byName);
  }

  async setDisabled(name: string, disabled: boolean, by: string): Promise<UserRow> {
    return this.#row(await this.#options.clerk.setDisabled(name as UserName, disabled, by));
  }

  async delete(name: string, keepLogin: boolean, by: string): Promise<void> {
    await this.#options.clerk.delete(name as UserName, keepLogin, by);
  }

  async listGates(users: readonly string[]): Promise<readonly GateRow[]> {
    const { books, saver } = this.#options;
    for (const user of users) books.know(userName(user), "xray");
    const entries = [...books.accounts.values()].filter(({ standing }) => standing.services.includes("xray"));
    const rows = entries.map((entry) => {
      const number = books.kernelNumberOf(entry);
      const mark = marksOf(number, SERVICE_XRAY).forward;
      return { name: entry.standing.name, number, mark, users: [...entry.users].sort() };
    });
    await saver.flush();
    return rows.sort(byName);
  }

  async lastLook(engine: string): Promise<LastLookReply> {
    const lastLooks = this.#options.lastLooks();
    const [only, ...others] = lastLooks.values();
    const found = engine === "" && others.length === 0 ? only : lastLooks.get(engine);
    if (!found) {
      throw new RefusedRequestError(
        `Cannot take a last look at ${engine === "" ? "an engine without its name" : `"${engine}"`}: expected one of ${[...lastLooks.keys()].join(", ") || "none"}`,
      );
    }
    return found.take();
  }

  async *watch(periodMs: number, signal: AbortSignal): AsyncIterable<UserList> {
    if (periodMs < SHORTEST_WATCH_MS || periodMs > LONGEST_WATCH_MS) {
      throw new RefusedRequestError(
        `Cannot watch every ${periodMs} ms: expected ${SHORTEST_WATCH_MS} to ${LONGEST_WATCH_MS}`,
      );
    }
    const { books, watchers } = this.#options;
    let sent = new Map<string, string>();
    watchers(1);
    try {
      while (!signal.aborted) {
        const rows = [...books.accounts.values()].map((entry) => this.#row(entry)).sort(byName);
        const shown = new Map(rows.map((row) => [row.name, JSON.stringify(row)]));
        yield {
          users: rows.filter((row) => sent.get(row.name) !== shown.get(row.name)),
          gone: [...sent.keys()].filter((name) => !shown.has(name)),
        };
        sent = shown;
        await delay(periodMs, undefined, { signal }).catch(() => undefined); // the loop ends with the signal
      }
    } finally {
      watchers(-1);
    }
  }

  async importAccounts(rows: readonly ImportRow[], by: string): Promise<readonly ImportFailure[]> {
    return this.#options.importer.take(rows, by);
  }

  async *snapshot(): AsyncIterable<readonly string[]> {
    const { books } = this.#options;
    const entries = [...books.accounts.values()];
    for (let start = 0; start < entries.length; start += ACCOUNTS_AT_ONCE) {
      yield entries
        .slice(start, start + ACCOUNTS_AT_ONCE)
        .filter((entry) => books.accounts.get(entry.standing.name) === entry) // deleted meanwhile
        .map((entry) => JSON.stringify(accountDocument(books.accountOf(entry))));
    }
  }

  #row(entry: Entry): UserRow {
    const { clock } = this.#options;
    const { standing, usage, verdict } = entry;
    const { uplinkRate, downlinkRate } = this.#rates.of(entry, clock.monotonic());
    return {
      name: standing.name,
      state: this.#state(entry),
      gate: this.#gate(entry),
      dailyBytes: usage.dailyCounted,
      totalBytes: usage.totalCounted,
      dailyLimitBytes: standing.limits.daily,
      totalLimitBytes: standing.limits.total,
      remainingBytes: verdict.kind === "deny" ? 0 : (remainingOf(entry) ?? -1),
      dailyUplinkBytes: usage.daily.uplink,
      dailyDownlinkBytes: usage.daily.downlink,
      totalUplinkBytes: usage.total.uplink,
      totalDownlinkBytes: usage.total.downlink,
      lifetimeUplinkBytes: usage.lifetime.uplink,
      lifetimeDownlinkBytes: usage.lifetime.downlink,
      uplinkRate,
      downlinkRate,
      period: periodText(standing.period),
      day: usage.day,
      periodStart: usage.periodStart,
      updatedMs: entry.updatedAt,
      services: standing.services,
      enrolled: standing.enrolled,
      unreportedBytes: 0,
      stops: [],
    };
  }

  #stops(entry: Entry): readonly StopStep[] {
    const { engines, ssh } = this.#options;
    return [...engines, ...(ssh ? [ssh] : [])].flatMap((part) => part.stopStepOf(entry) ?? []);
  }

  #state({ verdict, standing, usage }: Entry): UserState {
    if (verdict.kind === "deny") return verdict.reason === "disabled" ? "disabled" : "limited";
    const { total, daily } = standing.limits;
    if (total === 0 && daily === 0) return "unlimited";
    const lowest = (this.#options.settings.warnPercent[0] ?? 100) / 100;
    const near = (used: number, limit: number) => limit > 0 && used >= limit * lowest;
    return near(usage.totalCounted, total) || near(usage.dailyCounted, daily) ? "warning" : "ok";
  }

  #gate(entry: Entry): string {
    if (entry.verdict.kind !== "deny") return "";
    if (this.#options.mode === "observe") return "would be cut";
    const states = [...this.#options.gatekeeper.stateOf(entry)];
    if (states.length === 0) return "not cut yet";
    return states
      .map(
        ([keeper, { kind, shortfalls }]) =>
          `${keeper}: ${kind}${shortfalls.length > 0 ? ` (${shortfalls.join("; ")})` : ""}`,
      )
      .join(", ");
  }
}

function remainingOf({ standing, usage }: Entry): number | undefined {
  const left = [
    standing.limits.total > 0 ? standing.limits.total - usage.totalCounted : undefined,
    standing.limits.daily > 0 ? standing.limits.daily - usage.dailyCounted : undefined,
  ].filter((each) => each !== undefined);
  return left.length === 0 ? undefined : Math.max(0, Math.min(...left));
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}
