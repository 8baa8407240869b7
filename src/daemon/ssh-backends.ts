/**
 * Which way SSH logins are metered: our nftables table, or the per-user chains
 * of iptables where scripts made them already, or nft is missing.
 */
import type { Clock } from "../clock.ts";
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import { type Conntrack, openConntrack } from "../kernel/conntrack.ts";
import { findIptables, type Iptables } from "../kernel/iptables.ts";
import { LOGINS } from "../kernel/metering-script.ts";
import type { TableWatch } from "../kernel/nft-events.ts";
import { openNftables } from "../kernel/nftables.ts";
import type { KeeperName } from "../names.ts";
import type { CountRule } from "../rules.ts";
import type { UnixTime } from "../units.ts";
import type { BookedReport, Books } from "./books.ts";
import { ensureTracking } from "./conntrack-room.ts";
import type { MeteredLogin, SshBackend } from "./ssh-backend.ts";
import { SshIptables } from "./ssh-iptables.ts";
import { SshKernel } from "./ssh-kernel.ts";

export interface BackendOptions {
  readonly keeper: KeeperName;
  readonly wanted: "auto" | "nftables" | "iptables";
  /** False in observe mode: count only. */
  readonly gates: boolean;
  readonly count: CountRule;
  readonly books: Books;
  readonly clock: Clock;
  /** Where the kernel's word of our table is heard. */
  readonly tables: TableWatch;
  readonly look: () => Promise<void>;
  readonly onDepleted: (login: MeteredLogin, at: UnixTime) => void;
  readonly onBegan: (booked: BookedReport) => void;
  readonly onRestored: () => void;
  readonly onConntrackRaised: (from: number, to: number, dropIn: string) => void;
}

/** @throws {KernelUnavailableError} a sentence that says what is missing, and for which of the two. */
export async function openBackend(options: BackendOptions): Promise<SshBackend> {
  const { wanted } = options;
  if (wanted === "iptables") return openIptables(options, await findIptables());
  if (wanted === "nftables") return openKernel(options);
  const iptables = await findIptables().catch((error: unknown) => {
    if (error instanceof KernelUnavailableError) return error;
    throw error;
  });
  if (!(iptables instanceof Error) && iptables.hasUserChains) return openIptables(options, iptables);
  try {
    return await openKernel(options);
  } catch (error) {
    if (!(error instanceof KernelUnavailableError)) throw error;
    const lack = iptables instanceof Error ? iptables : await whyUnreadable(iptables);
    if (lack || iptables instanceof Error) {
      throw new KernelUnavailableError(`${error.message}; ${reasonOf(lack)}`, { cause: error });
    }
    return openIptables(options, iptables);
  }
}

/** Without the right to, iptables says so when its table is read, not before. */
async function whyUnreadable(iptables: Iptables): Promise<Error | undefined> {
  try {
    await iptables.read("ipv4");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(reasonOf(error));
  }
}

async function openIptables(options: BackendOptions, iptables: Iptables): Promise<SshBackend> {
  if (!options.gates) {
    throw new KernelUnavailableError(
      'Cannot meter SSH with iptables in observe mode: it takes rules in OUTPUT and INPUT; mode "enforce" makes them',
    );
  }
  return new SshIptables({ ...options, iptables, conntrack: await openTracking(options) });
}

async function openKernel(options: BackendOptions): Promise<SshBackend> {
  const nft = await openNftables(LOGINS.name);
  try {
    return new SshKernel({ ...options, nft, conntrack: await openTracking(options) });
  } catch (error) {
    nft[Symbol.dispose]();
    throw error;
  }
}

/** Makes sure of room for the flows that are going to be tracked. @returns undefined where open ones cannot be asked about. */
async function openTracking({ gates, onConntrackRaised }: BackendOptions): Promise<Conntrack | undefined> {
  await ensureTracking({ mayRaise: gates, onRaised: onConntrackRaised });
  try {
    return openConntrack();
  } catch (error) {
    if (error instanceof KernelUnavailableError) return undefined;
    throw error;
  }
}
