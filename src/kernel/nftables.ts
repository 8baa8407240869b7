/**
 * Our table in the kernel's packet filter, whichever way it is reached.
 *
 * Rules are loaded once, in nft's own language; everything after that (reads,
 * gates that move, logins that come and go) is counted in microseconds and goes
 * over netlink, or through the `nft` command where koffi does not load.
 */
import { KernelUnavailableError } from "../errors.ts";
import { loadScript, openCommandTable } from "./nft-command.ts";
import { openNetlinkTable } from "./nft-netlink.ts";

export type NftKey =
  | { readonly uid: number }
  | { readonly mark: number }
  /** `path` is below /sys/fs/cgroup, for the command; netlink compares `id`. */
  | { readonly cgroup: { readonly id: bigint; readonly path: string } }
  | { readonly device: string }
  /** Of a host, canonical. */
  | { readonly address: string }
  /** From the first to the last address of a network, both in, in a set of the kind "interval". */
  | { readonly range: readonly [first: string, last: string] };

export type NftChange =
  /** At zero; one that exists is kept as it stands. */
  | { readonly kind: "add-counter"; readonly name: string }
  /** Shuts at `limit` bytes, of which `used` are consumed already. */
  | { readonly kind: "add-quota"; readonly name: string; readonly limit: number; readonly used: number }
  /** In place: what was consumed stays (kernel 5.4). */
  | { readonly kind: "set-quota"; readonly name: string; readonly limit: number }
  | { readonly kind: "delete-counter"; readonly name: string }
  | { readonly kind: "delete-quota"; readonly name: string }
  | {
      readonly kind: "add-element";
      readonly set: string;
      readonly key: NftKey;
      /** Absent in a set; a map has a mark, or the name of an object. */
      readonly value?: { readonly mark: number } | { readonly counter: string } | { readonly quota: string };
    }
  | { readonly kind: "delete-element"; readonly set: string; readonly key: NftKey }
  /** Takes all elements out. */
  | { readonly kind: "flush-set"; readonly set: string };

/** In bytes. `used` stands at `limit` once the quota is used up, whatever it dropped since. */
export interface QuotaState {
  readonly limit: number;
  readonly used: number;
  readonly depleted: boolean;
}

/** Told of a counter: its name is `buffer` from `start` to `end`, good until the call returns. */
export type CounterVisitor = (
  buffer: Buffer,
  start: number,
  end: number,
  bytes: number,
  packets: number,
) => void;

export interface NftTable extends Disposable {
  /** One transaction in nft's language. @throws {Error} with nft's own words. */
  load(script: string): Promise<void>;
  /** All of the changes or none. @throws {Error} naming the change that was refused. */
  apply(changes: readonly NftChange[]): Promise<void>;
  /** All counters of the table, cumulative bytes; none when there is no such table. */
  readCounters(visit: CounterVisitor): Promise<void>;
  readQuota(name: string): Promise<QuotaState | undefined>;
  readQuotas(): Promise<ReadonlyMap<string, QuotaState>>;
  /** Rules in all chains of the table: 0 when there is none. */
  countRules(): Promise<number>;
}

/**
 * @param table of the family inet; it need not exist.
 * @throws {KernelUnavailableError} when nft is not installed, this process may
 * not (CAP_NET_ADMIN), or the kernel has no nf_tables; the message says which.
 */
export async function openNftables(table: string): Promise<NftTable> {
  const command = await openCommandTable(table);
  try {
    return { ...openNetlinkTable(table), load: loadScript };
  } catch (error) {
    if (!(error instanceof KernelUnavailableError)) throw error;
    return command;
  }
}
