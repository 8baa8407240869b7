/**
 * Finds rules that mark connections, or keep them from being tracked, in what nft
 * and iptables-save print; Sluice's own are passed over (facts: pitfalls, nftables).
 *
 * Pure: no clock, no I/O.
 */
import { MARK_PREFIX, MARK_PREFIX_MASK } from "../../../kernel/account-marks.ts";

/** @returns one short text for each rule, told once. */
export function foreignMarks(nftRuleset: string, iptablesSaves: readonly string[]): string[] {
  return [...new Set([...marksInNft(nftRuleset), ...iptablesSaves.flatMap(marksInIptables)])];
}

function marksInNft(ruleset: string): string[] {
  const found: string[] = [];
  const at = { table: "", chain: "" };
  for (const line of ruleset.split("\n")) {
    const [, table] = /^table (\S+ \S+) \{/.exec(line) ?? [];
    if (table !== undefined) at.table = table;
    const [, chain] = /^\tchain (\S+) \{/.exec(line) ?? [];
    if (chain !== undefined) at.chain = chain;
    const rule = /^\t\t(.+)$/.exec(line)?.[1];
    // What iptables-nft made is told by iptables-save, in its own words.
    if (rule === undefined || OURS.test(at.table) || IPTABLES.test(at.table)) continue;
    if (NFT_MARKS.test(rule) && !isOurMark(rule))
      found.push(`nft ${at.table} ${at.chain}: ${shortened(rule)}`);
  }
  return found;
}

function marksInIptables(saved: string): string[] {
  const found: string[] = [];
  const at = { table: "" };
  for (const line of saved.split("\n")) {
    if (line.startsWith("*")) at.table = line.slice(1);
    if (line.startsWith("-A ") && IPTABLES_MARKS.test(line) && !isOurMark(line)) {
      found.push(`iptables ${at.table}: ${shortened(line)}`);
    }
  }
  return found;
}

const OURS = /^inet sluice(?:-|$)/;
const IPTABLES = /^ip6? (?:filter|nat|mangle|raw|security)$/;
const NFT_MARKS = /\b(?:ct|meta) mark set\b|\bnotrack\b/;
const IPTABLES_MARKS = / -j (?:MARK|CONNMARK|NOTRACK|TPROXY|CT\b.*--notrack)(?:\s|$)/;

/** Every mark of ours begins with the same byte. */
function isOurMark(rule: string): boolean {
  const marks = [...rule.matchAll(/0x([0-9a-f]+)/gi)].map(([, digits = ""]) => Number.parseInt(digits, 16));
  return marks.some((mark) => (mark & MARK_PREFIX_MASK) >>> 0 === MARK_PREFIX);
}

function shortened(rule: string): string {
  return rule.length > 80 ? `${rule.slice(0, 79)}…` : rule;
}
