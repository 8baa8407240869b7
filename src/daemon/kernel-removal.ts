/**
 * Takes everything of ours out of the kernel, whichever backend put it there:
 * tables, chains, rules for cgroups, and the cgroups of sessions that have ended.
 */
import { rm } from "node:fs/promises";
import { KernelUnavailableError } from "../errors.ts";
import { releaseAllRules } from "../kernel/cgroup-rules.ts";
import { openCgroups } from "../kernel/cgroups.ts";
import { removeHolds } from "../kernel/hold-table.ts";
import { findIptables } from "../kernel/iptables.ts";
import { LOGINS, OUTBOUNDS } from "../kernel/metering-script.ts";
import { MeteringTable } from "../kernel/metering-table.ts";
import { loadScript } from "../kernel/nft-command.ts";
import { openNftables } from "../kernel/nftables.ts";
import { bootId } from "../kernel/process.ts";
import { tunnelRemoval } from "../kernel/tunnel-script.ts";
import { IptablesChains } from "../sources/ssh/iptables-chains.ts";
import { SESSIONS } from "../sources/ssh/session-cgroups.ts";
import { unixTime } from "../units.ts";
import { TRACKING_DROP_IN } from "./conntrack-room.ts";

/** @returns what could not be looked at, one sentence each, and may hold something still. */
export async function removeFromKernel(): Promise<readonly string[]> {
  const unseen: string[] = [];
  for (const remove of [removeTables, removeChains, removeCgroups]) {
    try {
      await remove();
    } catch (error) {
      if (!(error instanceof KernelUnavailableError)) throw error;
      unseen.push(error.message);
    }
  }
  await rm(TRACKING_DROP_IN, { force: true });
  return unseen;
}

async function removeTables(): Promise<void> {
  for (const form of [LOGINS, OUTBOUNDS]) {
    using nft = await openNftables(form.name);
    await new MeteringTable(nft, { form, gated: undefined, cgroupLevel: undefined }).drop();
  }
  await loadScript(tunnelRemoval());
  await removeHolds();
}

async function removeChains(): Promise<void> {
  const chains = new IptablesChains({
    iptables: await findIptables(),
    bootId: bootId(),
    adopt: false,
    now: () => unixTime(0),
    onRestored: () => undefined,
  });
  await chains.removeAll();
  await releaseAllRules(SESSIONS);
}

async function removeCgroups(): Promise<void> {
  openCgroups(SESSIONS).dissolve();
}
