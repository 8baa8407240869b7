/** An account as faces are shown it: from its entry in the books and what is done about its verdict. */
import type { Clock } from "../clock.ts";
import type { Settings } from "../config.ts";
import type { UserRow, UserState } from "../control/rows.ts";
import { periodText } from "../rules.ts";
import type { MonotonicTime } from "../units.ts";
import type { Entry } from "./books.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import { Rates } from "./rates.ts";
import type { XrayPart } from "./xray-part.ts";

export interface UserRowsOptions {
  readonly settings: Settings;
  readonly mode: "enforce" | "observe";
  readonly gatekeeper: Gatekeeper;
  readonly engines: readonly Pick<XrayPart, "protocolsOf">[];
  readonly clock: Clock;
}

export class UserRows {
  readonly #options: UserRowsOptions;
  readonly #rates = new Rates();

  constructor(options: UserRowsOptions) {
    this.#options = options;
  }

  of(entry: Entry): UserRow {
    return this.live(entry, this.#options.clock.monotonic()).row;
  }

  /** @param stillUntil as `Rates.of` has it. @returns also whether nothing but a touch can change the row. */
  live(
    entry: Entry,
    now: MonotonicTime,
    stillUntil?: MonotonicTime,
  ): { readonly row: UserRow; readonly still: boolean } {
    const { standing, usage, verdict } = entry;
    const { uplinkRate, downlinkRate, still } = this.#rates.of(entry, now, stillUntil);
    const row: UserRow = {
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
      protocols: this.#protocols(entry),
      enrolled: standing.enrolled,
      unreportedBytes: 0,
      stops: [],
    };
    // What is done about a denied one changes by itself.
    return { row, still: still && verdict.kind === "allow" };
  }

  #protocols(entry: Entry): readonly string[] {
    const [only, ...others] = this.#options.engines;
    if (!only || others.length === 0) return only?.protocolsOf(entry) ?? [];
    return [...new Set(this.#options.engines.flatMap((engine) => engine.protocolsOf(entry)))];
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
