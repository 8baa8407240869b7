/**
 * What to tell iptables-restore so that the filter table counts and gates these logins.
 *
 * The wanted state against the found one: nothing to do is no line at all, and
 * a line deletes only what it names in full, never a rule by its number, which
 * another program may have moved. Chains named for a uid and the jumps to them
 * are ours to keep in order; the rest of the table is not touched.
 *
 * Our rules stand in front: behind a firewall's ACCEPT they would see nothing.
 *
 * Pure: no clock, no I/O.
 */
import type { FilterTable, SavedRule } from "../../kernel/iptables-save.ts";
import {
  type Counted,
  chainOf,
  GATE,
  IN,
  IN_JUMP,
  inRules,
  markingRules,
  markJump,
  OUT,
  OUT_JUMP,
  outRules,
  ownerJump,
  reads,
  SCRIPTS_RULE,
  tagOf,
  uidOfChain,
} from "./iptables-rules.ts";
import { removeChains, Script } from "./iptables-script.ts";

/** How the chains of one login shall stand in one family. */
export interface WantedChains {
  readonly uid: number;
  /** The account's forward mark; the reverse one is next to it. */
  readonly mark: number;
  readonly shut: boolean;
  /** Makes the counting chains anew, from here on; undefined where they go on. */
  readonly start: Counted | undefined;
}

/**
 * @param boot the first eight hex digits of the boot id.
 * @throws {Error} when a rule that has to go cannot be named in a line.
 */
export function changesTo(table: FilterTable, wanted: readonly WantedChains[], boot: string): string[] {
  const script = new Script();
  const uids = new Set(wanted.map(({ uid }) => uid));
  for (const chain of [OUT, IN]) if (!table.has(chain)) script.make.push(`:${chain} - [0:0]`);
  removeOrphans(script, table, uids);
  placeJumps(script, table, wanted);
  sortByMark(script, table, OUT, new Map(wanted.map(({ uid, mark }) => [chainOf("BWO", uid), mark])));
  sortByMark(script, table, IN, new Map(wanted.map(({ uid, mark }) => [chainOf("BWI", uid), mark])));
  for (const each of wanted) {
    markFlows(script, table, each, boot);
    const { uid, mark, start } = each;
    count(script, table, chainOf("BWO", uid), each.shut, start && outRules(mark, start));
    count(script, table, chainOf("BWI", uid), each.shut, start && inRules(start));
  }
  return script.lines();
}

function removeOrphans(script: Script, table: FilterTable, uids: ReadonlySet<number>): void {
  const orphans = [...table.keys()].filter((chain) => {
    const uid = uidOfChain(chain);
    return uid !== undefined && !uids.has(uid);
  });
  removeChains(script, table, new Set(orphans), new Set([OUT, IN]));
}

/** One jump by owner for each login, behind them the one by mark: a flow's first packet has to be marked by then. */
function placeJumps(script: Script, table: FilterTable, wanted: readonly WantedChains[]): void {
  const output = table.get("OUTPUT") ?? [];
  const input = table.get("INPUT") ?? [];
  const front = output.findIndex(({ target }) => !target?.startsWith("BW_"));
  const inFront = front >= 0 && isOnly(output, OUT, OUT_JUMP, output[front]);
  if (!inFront) {
    removeJumps(script, "OUTPUT", output, OUT);
    script.add.push(`-I OUTPUT 1 ${OUT_JUMP}`);
  }
  if (!isOnly(input, IN, IN_JUMP, input[0])) {
    removeJumps(script, "INPUT", input, IN);
    script.add.push(`-I INPUT 1 ${IN_JUMP}`);
  }
  const ahead = new Set(inFront ? output.slice(0, front) : []);
  const jumps = Map.groupBy(output, ({ target }) => target);
  for (const { uid } of wanted) {
    const own = jumps.get(chainOf("BW", uid)) ?? [];
    const [only] = own;
    if (only && own.length === 1 && reads(only, ownerJump(uid)) && ahead.has(only)) continue;
    for (const jump of own) script.removeRule("OUTPUT", jump);
    script.add.push(`-I OUTPUT 1 ${ownerJump(uid)}`);
  }
}

function isOnly(
  rules: readonly SavedRule[],
  target: string,
  spec: string,
  expected: SavedRule | undefined,
): boolean {
  return reads(expected, spec) && rules.filter((rule) => rule.target === target).length === 1;
}

function removeJumps(script: Script, chain: string, rules: readonly SavedRule[], target: string): void {
  for (const rule of rules) if (rule.target === target) script.removeRule(chain, rule);
}

/** SLUICE_OUT and SLUICE_IN hold one jump for each login, by its mark, and nothing else. */
function sortByMark(
  script: Script,
  table: FilterTable,
  chain: string,
  marks: ReadonlyMap<string, number>,
): void {
  const missing = new Map(marks);
  for (const rule of table.get(chain) ?? []) {
    const mark = missing.get(rule.target ?? "");
    if (mark !== undefined && reads(rule, markJump(mark, rule.target ?? "")))
      missing.delete(rule.target ?? "");
    else script.removeRule(chain, rule);
  }
  for (const [target, mark] of missing) script.add.push(`-A ${chain} ${markJump(mark, target)}`);
}

/** Sees to the head of BW_<uid>; a script's own rules behind it stay, with what they have counted. */
function markFlows(
  script: Script,
  table: FilterTable,
  { uid, mark, shut }: WantedChains,
  boot: string,
): void {
  const chain = chainOf("BW", uid);
  const head = [...(shut ? [GATE] : []), ...markingRules(uid, { mark, boot })];
  const rules = table.get(chain);
  if (!rules) {
    script.make.push(`:${chain} - [0:0]`);
    script.add.push(...[...head, SCRIPTS_RULE].map((spec) => `-A ${chain} ${spec}`));
    return;
  }
  const ours = rules.filter((rule) => (tagOf(rule) ?? "return") !== "return");
  if (ours.length === head.length && head.every((spec, at) => reads(rules[at], spec))) return;
  for (const rule of ours) script.removeRule(chain, rule);
  for (const spec of head.toReversed()) script.add.push(`-I ${chain} 1 ${spec}`);
}

/** Sees to BWO_<uid> or BWI_<uid>. @param anew its counting rules, where it is made again. */
function count(
  script: Script,
  table: FilterTable,
  chain: string,
  shut: boolean,
  anew: readonly string[] | undefined,
): void {
  if (anew) {
    script.make.push(`:${chain} - [0:0]`); // also empties the one that is there
    if (shut) script.add.push(`-A ${chain} ${GATE}`);
    for (const rule of anew) script.add.push(rule.replace(/^(\[0:\d+\] )?/, `$1-A ${chain} `));
    return;
  }
  const rules = table.get(chain) ?? [];
  const gates = rules.filter((rule) => tagOf(rule) === "gate");
  const first = reads(rules[0], GATE);
  if (gates.length === (shut ? 1 : 0) && first === shut) return;
  for (const gate of gates) script.removeRule(chain, gate);
  if (shut) script.add.push(`-I ${chain} 1 ${GATE}`);
}
