/**
 * Undoes the rules of the iptables backend, for `gates remove`.
 *
 * Pure: no clock, no I/O.
 */
import type { FilterTable, SavedRule } from "../../kernel/iptables-save.ts";
import { IN, OUT, tagOf, uidOfChain } from "./iptables-rules.ts";
import { removeChains, Script } from "./iptables-script.ts";

/** Takes away what Sluice made; chains that hold a script's rules stay as they were, and so do the jumps to them. */
export function removalOf(table: FilterTable): string[] {
  const script = new Script();
  const gone = new Set([OUT, IN].filter((chain) => table.has(chain)));
  const scripts = new Set<string>();
  for (const [chain, rules] of table) {
    if (uidOfChain(chain) === undefined) continue;
    if (chain.startsWith("BW_") && (rules.length === 0 || !rules.every(isOurs))) scripts.add(chain);
    else gone.add(chain);
  }
  removeChains(script, table, gone);
  for (const chain of scripts) {
    const ours = (table.get(chain) ?? []).filter((rule) => isOurs(rule) && !gone.has(rule.target ?? ""));
    for (const rule of ours) script.removeRule(chain, rule);
  }
  return script.lines();
}

function isOurs(rule: SavedRule): boolean {
  return tagOf(rule) !== undefined;
}
