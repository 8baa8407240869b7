/**
 * A transaction for iptables-restore, put together piece by piece.
 *
 * Chains are made first and dropped last, whatever the order they were asked
 * for in: no rule may lead to a chain that is not there. A rule is removed by
 * its full text, never by its number, which another program may have moved.
 *
 * Pure: no clock, no I/O.
 */
import type { FilterTable, SavedRule } from "../../kernel/iptables-save.ts";

export class Script {
  readonly make: string[] = [];
  readonly remove: string[] = [];
  readonly add: string[] = [];
  readonly drop: string[] = [];

  /** @throws {Error} for a rule that would not be one line. */
  removeRule(chain: string, { spec }: SavedRule): void {
    if (spec.includes("\n")) {
      throw new Error(
        `Cannot remove a rule from chain ${chain}: its comment has a line break: ${JSON.stringify(spec)}`,
      );
    }
    this.remove.push(`-D ${chain} ${spec}`);
  }

  dropChain(chain: string): void {
    this.drop.push(`-F ${chain}`, `-X ${chain}`);
  }

  lines(): string[] {
    const flushes = this.drop.filter((line) => line.startsWith("-F"));
    const drops = this.drop.filter((line) => line.startsWith("-X"));
    return [...this.make, ...this.remove, ...this.add, ...flushes, ...drops];
  }
}

/** A chain cannot go while a rule leads to it, wherever that stands. */
export function removeChains(
  script: Script,
  table: FilterTable,
  gone: ReadonlySet<string>,
  except: ReadonlySet<string> = gone,
): void {
  for (const [chain, rules] of table) {
    if (gone.has(chain) || except.has(chain)) continue;
    for (const rule of rules) if (gone.has(rule.target ?? "")) script.removeRule(chain, rule);
  }
  for (const chain of gone) script.dropChain(chain);
}
