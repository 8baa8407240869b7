/**
 * How one login is counted and gated with iptables: its rules, and what they have counted.
 *
 *   OUTPUT      owner is the uid ............ BW_<uid>    the scripts' own jump and chain
 *   BW_<uid>    flow without a mark ......... gets the account's mark
 *               flow with another's mark .... BWO_<uid>   (no other rule would see it)
 *   OUTPUT      mark is one of ours ......... SLUICE_OUT  then by mark: BWO_<uid>
 *   BWO_<uid>   out to lo, towards the user . down
 *               anything else ............... up
 *   INPUT       not from lo, mark is ours ... SLUICE_IN   then by mark: BWI_<uid>
 *   BWI_<uid>   anything .................... down
 *
 * The scripts read BW_<uid>, where a packet is counted as often as the jump to
 * it was made, and zero it. So nothing is read there: flows are counted by their
 * mark, in chains no script knows, once, however often BW_<uid> is passed. (For
 * flows that carry another program's mark that does not hold, their downlink is
 * not seen, and `notrack` hides a flow altogether.)
 *
 * Both ends of a flow over lo are this host's: it is counted on its way out. A
 * packet of a socket that is closed already has no owner, so the direction
 * tells whose it is, and the mark which direction is the user's: the one he was
 * first seen to send in.
 *
 * A gate stands first in each chain, so what it drops is not counted. Every
 * rule of ours in a chain named for a uid is tagged by a comment.
 *
 * Pure: no clock, no I/O.
 */

import { MARK_PREFIX, MARK_PREFIX_MASK } from "../../kernel/account-marks.ts";
import type { FilterTable, SavedRule } from "../../kernel/iptables-save.ts";

/** All flows with one of our marks pass these, all others walk past them. */
export const OUT = "SLUICE_OUT";
export const IN = "SLUICE_IN";

/** The chains of one uid: the scripts', the one for what leaves with his mark, and the one for what arrives. */
export const USER_CHAINS = ["BW", "BWO", "BWI"] as const;
export type UserChain = (typeof USER_CHAINS)[number];

/** What the rules of one login in one family have counted, in bytes. */
export interface Counted {
  readonly uplink: number;
  /** From this host's own sockets, over lo: seen in OUTPUT. */
  readonly localDownlink: number;
  /** Seen in INPUT. */
  readonly downlink: number;
}

export const ZERO: Counted = { uplink: 0, localDownlink: 0, downlink: 0 };

/** Which account the chains of a uid were made for, and in which boot: restored rules bring old counters with them. */
export interface Owner {
  readonly mark: number;
  /** The first eight hex digits of the boot id. */
  readonly boot: string;
}

export function chainOf(kind: UserChain, uid: number): string {
  return `${kind}_${uid}`;
}

/** The uid a chain is named for; undefined for every other name. Uids end at 2^32 - 2. */
export function uidOfChain(name: string | undefined): number | undefined {
  const digits = name === undefined ? undefined : /^BW[IO]?_(0|[1-9]\d{0,9})$/.exec(name)?.[1];
  return digits === undefined || Number(digits) > 0xfffffffe ? undefined : Number(digits);
}

export const OUT_JUMP = `-m connmark --mark ${mask(MARK_PREFIX)}/${mask(MARK_PREFIX_MASK)} -j ${OUT}`;
export const IN_JUMP = `! -i lo -m connmark --mark ${mask(MARK_PREFIX)}/${mask(MARK_PREFIX_MASK)} -j ${IN}`;

/** As the scripts write it, so that a second one of theirs is recognized. */
export function ownerJump(uid: number): string {
  return `-m owner --uid-owner ${uid} -j ${chainOf("BW", uid)}`;
}

/** Both marks of the account. */
export function markJump(mark: number, chain: string): string {
  return `-m connmark --mark ${either(mark)} -j ${chain}`;
}

export const GATE = `${tagged("gate")} -j DROP`;

/** What stands at the head of BW_<uid>, behind the gate. */
export function markingRules(uid: number, { mark, boot }: Owner): readonly string[] {
  return [
    `-o lo -m connmark --mark 0x0 -m conntrack --ctdir REPLY ${tagged("reverse")} -j CONNMARK --set-xmark ${mask(reverse(mark))}/0xffffffff`,
    `-m connmark --mark 0x0 ${tagged(`mark-${boot}`)} -j CONNMARK --set-xmark ${mask(mark)}/0xffffffff`,
    `-m connmark ! --mark ${either(mark)} ${tagged("foreign")} -j ${chainOf("BWO", uid)}`,
  ];
}

/** Ends a BW_<uid> that Sluice made: its bytes are what scripts show. */
export const SCRIPTS_RULE = `${tagged("return")} -j RETURN`;

/** The counting rules of BWO_<uid>, beginning at what was counted before. */
export function outRules(mark: number, start: Counted): readonly string[] {
  return [
    `[0:${start.localDownlink}] -o lo -m connmark --mark ${mask(mark)} -m conntrack --ctdir REPLY ${tagged("reply")} -j RETURN`,
    `-o lo -m connmark --mark ${mask(reverse(mark))} -m conntrack --ctdir ORIGINAL ${tagged("original")} -j RETURN`,
    `[0:${start.uplink}] ${tagged("rest")} -j RETURN`,
  ];
}

export function inRules(start: Counted): readonly string[] {
  return [`[0:${start.downlink}] ${tagged("in")} -j RETURN`];
}

/** True if the rule is `spec`: releases differ in which words they quote. */
export function reads(rule: SavedRule | undefined, spec: string): boolean {
  return rule?.words.join(" ") === spec;
}

/** Our name of a rule in a chain of a uid: "gate", "mark-1a2b3c4d", "rest"...; undefined if it is not ours. */
export function tagOf({ words }: SavedRule): string | undefined {
  const at = words.indexOf("--comment");
  return at < 0 ? undefined : /^sluice-([a-z0-9-]+)$/.exec(words[at + 1] ?? "")?.[1];
}

/** Undefined where the uid's chain marks nothing for us. */
export function ownerOf(table: FilterTable, uid: number): Owner | undefined {
  for (const rule of table.get(chainOf("BW", uid)) ?? []) {
    const boot = /^mark-([0-9a-f]{8})$/.exec(tagOf(rule) ?? "")?.[1];
    const mark = rule.words[rule.words.indexOf("--set-xmark") + 1]?.split("/")[0];
    if (boot !== undefined && mark !== undefined) return { mark: Number(mark), boot };
  }
  return undefined;
}

/** Undefined unless all counting rules stand, in their order. */
export function countedIn(table: FilterTable, uid: number): Counted | undefined {
  const out = counting(table.get(chainOf("BWO", uid)));
  const inward = counting(table.get(chainOf("BWI", uid)));
  const [reply, original, rest] = out;
  const [incoming] = inward;
  if (!reply || !original || !rest || !incoming) return undefined;
  if (out.map(tagOf).join() !== "reply,original,rest" || inward.map(tagOf).join() !== "in") return undefined;
  return {
    uplink: rest.bytes,
    localDownlink: reply.bytes + original.bytes,
    downlink: incoming.bytes,
  };
}

/** False when somebody flushed the chains that all packets pass. */
export function jumpsStand(table: FilterTable): boolean {
  const leads = (from: string, to: string) => table.get(from)?.some(({ target }) => target === to) ?? false;
  return leads("OUTPUT", OUT) && leads("INPUT", IN);
}

/** How many of the three chains begin with a gate. */
export function gatesOf(table: FilterTable, uid: number): number {
  return USER_CHAINS.filter((kind) => {
    const [first] = table.get(chainOf(kind, uid)) ?? [];
    return first !== undefined && tagOf(first) === "gate";
  }).length;
}

/**
 * The bytes a script's chain has seen, each once.
 *
 * A script adds up the rules of BW_<uid>, and with a doubled jump gets every
 * byte twice. The jumps' own counters tell how many were seen again: a packet
 * passes them all, so those of the oldest are the packets, and what the others
 * have is too much. A script's reset zeroes the chain and not the jumps; then
 * that would take off more than was doubled, and the chain's bytes shared out
 * among its jumps are the least that passed.
 */
export function scriptBytes(table: FilterTable, uid: number): number {
  const rules = (table.get(chainOf("BW", uid)) ?? []).filter((rule) => tagOf(rule) === undefined);
  // Each packet leaves by one verdict; a rule without one counts it on the way.
  const ends = rules.filter(({ target }) => target === "RETURN" || target === "ACCEPT");
  const seen = ends.length > 0 ? sum(ends) : Math.max(0, ...rules.map((rule) => rule.bytes));
  const jumps = (table.get("OUTPUT") ?? []).filter(({ target }) => target === chainOf("BW", uid));
  if (jumps.length < 2) return seen;
  const again = sum(jumps) - Math.max(...jumps.map((rule) => rule.bytes));
  return Math.max(seen - again, Math.ceil(seen / jumps.length));
}

function counting(rules: readonly SavedRule[] | undefined): readonly SavedRule[] {
  return (rules ?? []).filter((rule) => tagOf(rule) !== "gate");
}

function sum(rules: readonly SavedRule[]): number {
  return rules.reduce((total, rule) => total + rule.bytes, 0);
}

function tagged(tag: string): string {
  return `-m comment --comment sluice-${tag}`;
}

/** Over lo, where the user answers (account-marks.ts). */
function reverse(mark: number): number {
  return mark + 1;
}

function either(mark: number): string {
  return `${mask(mark)}/0xfffffffe`;
}

function mask(value: number): string {
  return `0x${value.toString(16)}`;
}
