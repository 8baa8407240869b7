/** Filter tables as real hosts print them, and small ones of a few rules. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type FilterTable, parseFilterTable } from "../../../src/kernel/iptables-save.ts";

const FOLDER = join(import.meta.dirname, "../../fixtures/iptables");

/** What test/fixtures/iptables/README.md tells of the metered tables. */
export const BOOT = "5b1c0f3e";
export const MARKS = new Map([
  [61_001, 0x51000008],
  [61_002, 0x51000010],
]);

export type Capture = "scripts-nf_tables" | "scripts-legacy" | "metered-nf_tables" | "metered-legacy";

export function captured(name: Capture): FilterTable {
  return parseFilterTable(readFileSync(join(FOLDER, `${name}.txt`), "utf8"));
}

/** The same with some of its text replaced. @throws when there is no such text. */
export function altered(name: Capture, from: RegExp, to: string): FilterTable {
  const text = readFileSync(join(FOLDER, `${name}.txt`), "utf8");
  if (!from.test(text)) throw new Error(`Cannot alter ${name}: it has no ${String(from)}`);
  return parseFilterTable(text.replace(from, to));
}

/** @param rules lines `BYTES CHAIN SPEC`. */
export function tableOf(...rules: readonly string[]): FilterTable {
  const parts = rules.map((line) => /^(\d+) (\S+) (.*)$/.exec(line)?.slice(1) as [string, string, string]);
  const chains = new Set(["INPUT", "OUTPUT", ...parts.map(([, chain]) => chain)]);
  return parseFilterTable(
    [
      "*filter",
      ...[...chains].map((chain) => `:${chain} - [0:0]`),
      ...parts.map(([bytes, chain, spec]) => `[0:${bytes}] -A ${chain} ${spec}`),
      "COMMIT",
    ].join("\n"),
  );
}
