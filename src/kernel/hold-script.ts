/**
 * The rules that hold an engine's traffic while its last sample is taken, in
 * nft's own language: one small table per engine, since several stop at once
 * when a host goes down.
 *
 * Every byte an engine counts first arrives at one of its sockets, so what
 * arrives is all that is held. What it sends is counted by then: that goes on to
 * whom it belongs, and so do the resets with which its peers learn of its end.
 *
 * An engine is told by its cgroup, as an element of a set: elements run out by
 * themselves, so that a hold whose owner dies is lifted by the kernel.
 *
 * Pure: no clock, no I/O.
 */
import type { Cgroup } from "./cgroups.ts";

export type HeldCgroup = Pick<Cgroup, "id" | "nftPath" | "level">;

/** What the names of all such tables begin with. */
export const HOLD_PREFIX = "sluice-hold-";

/** Seconds until the kernel lifts each step by itself: ten together, at the most. */
const DRAIN_S = 10;
const STOP_S = 7;

/** Lengths of a TCP header, in words of four bytes. */
const TCP_HEADERS = Array.from({ length: 11 }, (_, index) => index + 5);
const IPV4_HEADER = 20;

/** @param owner the pid of who holds: what others hold is not to be swept up. */
export function holdTable({ id }: HeldCgroup, owner: number): string {
  return `${HOLD_PREFIX}${owner}-${id}`;
}

/** @returns undefined for a table of another kind. */
export function ownerOf(table: string): number | undefined {
  const owner = /^(\d+)-\d+$/.exec(table.startsWith(HOLD_PREFIX) ? table.slice(HOLD_PREFIX.length) : "")?.[1];
  return owner === undefined ? undefined : Number(owner);
}

/**
 * Keeps new bytes and new connections out; acknowledgements come in, so that
 * what was taken in before still gets out. UDP does not show which is which.
 *
 * @param apiPort where the engine answers on the loopback, which it must go on to do.
 */
export function drainScript(cgroup: HeldCgroup, owner: number, apiPort: number): string {
  const table = `inet ${holdTable(cgroup, owner)}`;
  const held = (set: string) => `socket cgroupv2 level ${cgroup.level} @${set} goto ${set}`;
  const rules: readonly (readonly [chain: string, rule: string])[] = [
    ["stopped", "tcp flags & rst == rst accept"],
    ["stopped", "meta l4proto { tcp, udp } drop"],
    ["draining", "meta l4proto udp drop"],
    // Its sender tries again in a second, and may find the engine's successor.
    ["draining", "tcp flags & (syn | ack) == syn drop"],
    // Longer than its headers: it carries data. The length of IPv6 leaves out IP's own header.
    ...TCP_HEADERS.flatMap((words): [string, string][] => [
      ["draining", `tcp doff ${words} ip length > ${IPV4_HEADER + 4 * words} drop`],
      ["draining", `tcp doff ${words} ip6 length > ${4 * words} drop`],
    ]),
    ["in", `iifname "lo" tcp dport ${apiPort} accept`],
    ["in", held("stopped")],
    ["in", held("draining")],
  ];
  return script([
    `add table ${table}`,
    `delete table ${table}`, // one that was left behind
    `add table ${table}`,
    ...["stopped", "draining"].flatMap((name) => [
      `add set ${table} ${name} { type cgroupsv2; flags timeout; }`,
      `add chain ${table} ${name}`,
    ]),
    `add chain ${table} in { type filter hook input priority 0; policy accept; }`,
    ...rules.map(([chain, rule]) => `add rule ${table} ${chain} ${rule}`),
    element(table, cgroup, "draining", DRAIN_S),
  ]);
}

/** Keeps everything out but resets: with no acknowledgement nothing moves in the engine either. */
export function stopScript(cgroup: HeldCgroup, owner: number): string {
  return script([element(`inet ${holdTable(cgroup, owner)}`, cgroup, "stopped", STOP_S)]);
}

/** Good whether or not the table is there. */
export function removalScript(table: string): string {
  return script([`add table inet ${table}`, `delete table inet ${table}`]);
}

function element(table: string, { nftPath }: HeldCgroup, set: string, seconds: number): string {
  return `add element ${table} ${set} { "${nftPath}" timeout ${seconds}s }`;
}

function script(statements: readonly string[]): string {
  return `${statements.join("\n")}\n`;
}
