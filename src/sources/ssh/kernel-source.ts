/**
 * SSH logins as the kernel counts them: one dump of our table for all of them.
 *
 * The counters' epoch is the life of the table. When somebody flushed it, it is
 * put back at the next look, and counts from zero in an epoch of its own.
 */
import type { Clock } from "../../clock.ts";
import { SourceUnavailableError } from "../../errors.ts";
import type { MeteringTable, SlotReading } from "../../kernel/metering-table.ts";
import {
  type CounterName,
  counterName,
  type Epoch,
  epochName,
  type KeeperName,
  type UserName,
} from "../../names.ts";
import { bytes, type Traffic } from "../../units.ts";
import type { CounterReading, CounterSource, SourceReport } from "../source.ts";

export interface KernelSourceOptions {
  readonly name: KeeperName;
  readonly table: MeteringTable;
  readonly clock: Clock;
  /** The login with this number; undefined for one that is about to go. */
  readonly userOf: (number: number) => UserName | undefined;
  /** Makes the table again. @throws when the kernel refuses. */
  readonly rebuild: () => Promise<void>;
}

export class KernelSource implements CounterSource {
  readonly name: KeeperName;
  readonly #options: KernelSourceOptions;
  readonly #counters = new Map<UserName, CounterName>();

  constructor(options: KernelSourceOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Looks at everything whatever is asked for: the dump costs the same. */
  async read(): Promise<SourceReport> {
    const { table, clock, rebuild } = this.#options;
    try {
      let askedAt = clock.unix();
      let moved = await table.look();
      if (!moved) {
        await rebuild();
        askedAt = clock.unix();
        moved = await table.look();
      }
      if (!moved || table.epoch === undefined) {
        throw new Error(
          "the table vanished again while it was being read: is another program flushing rules?",
        );
      }
      const epoch = epochName(table.epoch);
      const readings: CounterReading[] = [];
      for (const each of moved) {
        const reading = this.#reading(each, epoch);
        if (reading) readings.push(reading);
      }
      return { askedAt, epoch, complete: true, readings, rejected: [] };
    } catch (error) {
      table.forget();
      throw new SourceUnavailableError(this.name, error);
    }
  }

  pending(): undefined {
    return undefined;
  }

  forget(): void {
    this.#options.table.forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The table is its maker's to take down.
  }

  /** Made once for each: a thousand a look would be garbage. */
  #counterOf(user: UserName): CounterName {
    const known = this.#counters.get(user);
    if (known !== undefined) return known;
    const counter = counterName(this.name, user);
    this.#counters.set(user, counter);
    return counter;
  }

  #reading({ number, uplink, downlink }: SlotReading, epoch: Epoch): CounterReading | undefined {
    const user = this.#options.userOf(number);
    if (user === undefined) return undefined;
    const counter = this.#counterOf(user);
    const traffic: Traffic = { uplink: bytes(uplink), downlink: bytes(downlink) };
    return { user, counter, epoch, traffic };
  }
}
