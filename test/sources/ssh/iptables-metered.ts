/** A host metered with iptables, and a yardstick beside it that knows nothing of marks and owners. */
import { findIptables, type RunProgram } from "../../../src/kernel/iptables.ts";
import { IptablesChains } from "../../../src/sources/ssh/iptables-chains.ts";
import { unixTime } from "../../../src/units.ts";
import { type IptablesHost, iptablesHost, type Variant } from "../../support/iptables-host.ts";

export const BOOT_ID = "5b1c0f3e-0000-4000-8000-000000000000";
export const ALICE = { uid: 61_001, mark: 0x51000008 } as const;
export const BOB = { uid: 61_002, mark: 0x51000010 } as const;

export interface Bytes {
  readonly uplink: number;
  readonly downlink: number;
}

export interface Metered extends AsyncDisposable {
  readonly host: IptablesHost;
  readonly chains: IptablesChains;
  /** How often rules of ours were put back. */
  restored(): number;
  /** Alice's bytes at a look made now. */
  alice(): Promise<Bytes>;
}

export interface MeteredOptions {
  readonly adopt?: boolean;
  readonly bootId?: string;
  /** Comes between the chains and the programs they run. */
  readonly wrap?: (run: RunProgram) => RunProgram;
}

/** Alice and Bob are metered; nothing has looked yet. @param before what is on the host already. */
export async function metered(
  variant: Variant,
  before: (host: IptablesHost) => void | Promise<void> = () => undefined,
  options: MeteredOptions = {},
): Promise<Metered> {
  await using setup = new AsyncDisposableStack();
  const host = setup.use(await iptablesHost(variant));
  await before(host);
  let restored = 0;
  const chains = await chainsOn(host, options, () => {
    restored += 1;
  });
  const running = setup.move();
  return {
    host,
    chains,
    restored: () => restored,
    alice: () => bytesOf(chains, ALICE.mark),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A process that knows nothing yet, as after a restart. */
export async function chainsOn(
  host: IptablesHost,
  { adopt = false, bootId = BOOT_ID, wrap = (run) => run }: MeteredOptions = {},
  onRestored: () => void = () => undefined,
): Promise<IptablesChains> {
  const chains = new IptablesChains({
    iptables: await findIptables(wrap(host.run)),
    bootId,
    adopt,
    now: () => unixTime(0),
    onRestored,
  });
  chains.setAccounts(
    new Map([
      [ALICE.uid, ALICE.mark],
      [BOB.uid, BOB.mark],
    ]),
  );
  return chains;
}

export async function bytesOf(chains: IptablesChains, mark: number): Promise<Bytes> {
  const { counted } = await chains.look();
  const bytes = counted.get(mark);
  if (!bytes) throw new Error(`Cannot compare: nothing was counted for mark ${mark.toString(16)}`);
  return bytes;
}

/** Counts each TCP packet to ("up") and from ("down") the servers at `port` where it first comes by. */
export function addYardstick(host: IptablesHost, port = "7300"): void {
  host.sh("nft add table inet yardstick");
  for (const counter of ["up", "down"]) host.sh(`nft add counter inet yardstick ${counter}`);
  for (const [hook, seen] of [
    ["output", ""],
    ["input", "iifname != lo "],
  ] as const) {
    host.sh(`nft add chain inet yardstick ${hook} { type filter hook ${hook} priority 300 ; }`);
    host.sh(`nft add rule inet yardstick ${hook} ${seen}tcp dport ${port} counter name up`);
    host.sh(`nft add rule inet yardstick ${hook} ${seen}tcp sport ${port} counter name down`);
  }
}

export function yardstick(host: IptablesHost): Bytes {
  const read = (counter: string) =>
    Number(/bytes (\d+)/.exec(host.sh(`nft list counter inet yardstick ${counter}`))?.[1]);
  return { uplink: read("up"), downlink: read("down") };
}
