/**
 * The logins of one OpenVPN server as its management interface tells them.
 *
 * Polls `status 3`: it is exact at any moment, has names and numbers in one
 * answer, and no name can forge a field in it. `bytecount` has neither (facts:
 * openvpn, 2).
 */
import type { Clock } from "../../clock.ts";
import { SourceUnavailableError } from "../../errors.ts";
import type { KeeperName } from "../../names.ts";
import type { CounterSource, SourceReport } from "../source.ts";
import type { FinalFigures } from "./final-figures.ts";
import { LoginReadings, type LoginReadingsOptions, type Moment } from "./login-readings.ts";
import { type Management, RefusedCommandError } from "./management.ts";
import { StatusTable } from "./status-table.ts";

export interface OpenvpnSourceOptions extends Omit<LoginReadingsOptions, "live"> {
  readonly management: Management;
  readonly clock: Clock;
}

export class OpenvpnSource implements CounterSource {
  readonly name: KeeperName;
  readonly #options: OpenvpnSourceOptions;
  readonly #table: StatusTable;
  readonly #readings: LoginReadings;

  constructor(options: OpenvpnSourceOptions) {
    this.name = options.keeper;
    this.#options = options;
    // Version 3 has the seconds since 1970 beside each time.
    this.#table = new StatusTable({ usersBy: options.usersBy, epochOf: () => Number.NaN });
    this.#readings = new LoginReadings({ ...options, live: true });
  }

  /** Last figures from the hooks: in the report of the next look, or of `pending()` while none can be had. */
  takeFinals(finals: readonly FinalFigures[]): void {
    this.#readings.takeFinals(finals);
  }

  /** Looks at everything whatever is asked for: the server has no other answer. */
  async read(_which: unknown, signal: AbortSignal): Promise<SourceReport> {
    const { management } = this.#options;
    const finals = this.#readings.waiting;
    const moment = this.#moment();
    try {
      const look = this.#table.read(await management.command("status 3", signal));
      return this.#readings.take(look, moment, finals);
    } catch (error) {
      if (signal.aborted) throw error;
      // Until it serves, a server knows no status: it is in hold, or starts over.
      const refused = error instanceof RefusedCommandError;
      const why = management.trouble ?? "the server starts over and knows no clients yet";
      throw new SourceUnavailableError(this.name, refused ? new Error(why, { cause: error }) : error);
    }
  }

  pending(): SourceReport | undefined {
    return this.#readings.pending(this.#moment());
  }

  forget(): void {
    this.#readings.forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The line is its maker's to take down.
  }

  #moment(): Moment {
    const { clock } = this.#options;
    return { askedAt: clock.unix(), now: clock.monotonic() };
  }
}
