/**
 * SSH logins as iptables counts them: one read of the filter table for all of them.
 *
 * The counters' epoch is the boot: chains that vanish are made again from where
 * they stood, so a flush does not begin a new one. A read costs two processes
 * and some milliseconds whatever is asked for, so it is not for every tick.
 */
import { reasonOf, SourceUnavailableError } from "../../errors.ts";
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
import type { IptablesChains } from "./iptables-chains.ts";

/** A login as its chains need it. */
export interface ChainAccount {
  readonly user: UserName;
  /** The account's forward mark for SSH. */
  readonly mark: number;
}

export interface IptablesSourceOptions {
  readonly name: KeeperName;
  readonly chains: IptablesChains;
  /** This boot: a UUID. */
  readonly bootId: string;
}

export class IptablesSource implements CounterSource {
  readonly name: KeeperName;
  readonly #chains: IptablesChains;
  readonly #epoch: Epoch;
  /** By the account's mark. */
  #users = new Map<number, UserName>();
  #reported = new Map<number, Traffic>();

  constructor({ name, chains, bootId }: IptablesSourceOptions) {
    this.name = name;
    this.#chains = chains;
    this.#epoch = epochName(`${bootId}-iptables`);
  }

  /**
   * Says which logins are read, by uid; the chains follow at the next look.
   * Book those of an account that goes before.
   */
  setAccounts(accounts: ReadonlyMap<number, ChainAccount>): void {
    this.#users = new Map([...accounts.values()].map(({ user, mark }) => [mark, user]));
    for (const mark of this.#reported.keys()) if (!this.#users.has(mark)) this.#reported.delete(mark);
    this.#chains.setAccounts(new Map([...accounts].map(([uid, { mark }]) => [uid, mark])));
  }

  /** Looks at everything whatever is asked for: it costs the same. */
  async read(): Promise<SourceReport> {
    const { askedAt, counted } = await this.#chains.look().catch((error: unknown) => {
      throw new SourceUnavailableError(this.name, error);
    });
    const readings: CounterReading[] = [];
    const rejected: { counter: CounterName; why: string }[] = [];
    for (const [mark, { uplink, downlink }] of counted) {
      const user = this.#users.get(mark);
      const before = this.#reported.get(mark);
      if (user === undefined || (before?.uplink === uplink && before.downlink === downlink)) continue;
      const counter = counterName(this.name, user);
      try {
        const traffic = { uplink: bytes(uplink), downlink: bytes(downlink) };
        this.#reported.set(mark, traffic);
        readings.push({ user, counter, epoch: this.#epoch, traffic });
      } catch (error) {
        rejected.push({ counter, why: reasonOf(error) });
      }
    }
    return { askedAt, epoch: this.#epoch, complete: true, readings, rejected };
  }

  pending(): undefined {
    return undefined;
  }

  forget(): void {
    this.#reported.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The rules stay, with their gates: who was cut stays cut while Sluice is away.
  }
}
