/**
 * The desk where faces ask: rows made from the books, orders passed to the clerk.
 */
import type { Clock } from "../clock.ts";
import type { Settings } from "../config.ts";
import type {
  Desk,
  GateRow,
  ImportFailure,
  ImportRow,
  KickReply,
  LastLookReply,
  LimitRequest,
  OpenvpnLoginRow,
  OpenvpnServerRow,
  Status,
  StopStep,
  UserRow,
  Watch,
  WatchRequest,
} from "../control/rows.ts";
import { RefusedRequestError } from "../errors.ts";
import { marksOf, SERVICE_XRAY } from "../kernel/account-marks.ts";
import { type UserName, userName } from "../names.ts";
import { parsePeriod } from "../rules.ts";
import { type JobHealth, SPAN_BOUNDS } from "../scheduler/health.ts";
import { accountDocument } from "../storage/account-format.ts";
import type { EventFile } from "../storage/events.ts";
import { bytes, type MonotonicTime } from "../units.ts";
import { VERSION } from "../version.ts";
import type { Books, Entry } from "./books.ts";
import type { Clerk } from "./clerk.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import type { Importer } from "./importer.ts";
import type { LastLook } from "./last-look.ts";
import type { Meter } from "./meter.ts";
import { OpenvpnDesk } from "./openvpn-desk.ts";
import type { OpenvpnPart } from "./openvpn-part.ts";
import type { Saver } from "./saver.ts";
import type { SshPart } from "./ssh-part.ts";
import { UserRows } from "./user-rows.ts";
import { UserWatch } from "./user-watch.ts";
import type { Views } from "./views.ts";
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
  readonly openvpn: readonly OpenvpnPart[];
  readonly events: EventFile;
  readonly jobs: () => readonly JobHealth[];
  readonly views: Views;
  readonly startedAt: MonotonicTime;
}

/** Some 200 KB in one message, and a moment of the loop. */
const ACCOUNTS_AT_ONCE = 100;

export class DaemonDesk implements Desk {
  readonly #options: DeskOptions;
  readonly #rows: UserRows;
  readonly #openvpn: OpenvpnDesk;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#rows = new UserRows(options);
    this.#openvpn = new OpenvpnDesk({ ...options, views: options.openvpn });
  }

  async status(): Promise<Status> {
    const {
      settings,
      mode,
      books,
      gatekeeper,
      saver,
      meters,
      engines,
      ssh,
      openvpn,
      jobs,
      clock,
      startedAt,
    } = this.#options;
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
        .filter(({ name }) => !openvpn.some((part) => part.settings.name === name && part.idle))
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
                : ([...engines, ...openvpn].find(({ settings: { name } }) => name === health.name)?.notes() ??
                  []),
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
        durations: { counts: job.durations.counts, sumMs: job.durations.sum },
        lags: { counts: job.lags.counts, sumMs: job.lags.sum },
      })),
      spanBoundsMs: SPAN_BOUNDS,
      gateActions: gatekeeper.actions(),
    };
  }

  async listUsers(name: string): Promise<readonly UserRow[]> {
    const { books } = this.#options;
    const entries = name === "" ? [...books.accounts.values()] : [books.entry(name as UserName)];
    return entries
      .map((entry) => ({
        ...this.#rows.of(entry),
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
        sparesLogin: request.sparesLogin ?? false,
      },
      by,
    );
    return this.#rows.of(entry);
  }

  async reset(
    { name, all }: { readonly name: string; readonly all: boolean },
    by: string,
  ): Promise<readonly UserRow[]> {
    const { books, clerk } = this.#options;
    const names = all ? [...books.accounts.keys()] : [name as UserName];
    const rows: UserRow[] = [];
    for (const each of names) rows.push(this.#rows.of(await clerk.reset(each, by)));
    return rows.sort(byName);
  }

  async setDisabled(name: string, disabled: boolean, by: string): Promise<UserRow> {
    return this.#rows.of(await this.#options.clerk.setDisabled(name as UserName, disabled, by));
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

  watch(request: WatchRequest, signal: AbortSignal): Watch {
    const { books, clock, meters, views } = this.#options;
    const readMs = () => Math.max(0, ...meters.map((meter) => meter.viewPeriod() ?? 0));
    return new UserWatch({ books, clock, views, rows: this.#rows, readMs }, request, signal);
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

  async openvpnServers(): Promise<readonly OpenvpnServerRow[]> {
    return this.#openvpn.servers();
  }

  async openvpnLogins(): Promise<readonly OpenvpnLoginRow[]> {
    return this.#openvpn.logins();
  }

  openvpnKick(name: string, by: string): Promise<KickReply> {
    return this.#openvpn.kick(name, by);
  }

  #stops(entry: Entry): readonly StopStep[] {
    const { engines, ssh, openvpn } = this.#options;
    return [...engines, ...(ssh ? [ssh] : []), ...openvpn].flatMap((part) => part.stopStepOf(entry) ?? []);
  }
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}
