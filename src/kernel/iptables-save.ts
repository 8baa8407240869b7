/**
 * Reads what `iptables-save -c` prints of the filter table (iptables-save(8)).
 *
 * A rule is kept as it was printed, since that is also what deletes it again,
 * and split into words, since a comment may quote anything: other rules, line
 * breaks, whole lines of this very format.
 *
 * Pure: no clock, no I/O.
 */

export interface SavedRule {
  /** The bytes of the packets that matched, GSO packets as they were handed around. May pass 2^53. */
  readonly bytes: number;
  /** Everything behind `-A CHAIN`, unchanged. */
  readonly spec: string;
  /** The words of `spec`, without their quotes. */
  readonly words: readonly string[];
  /** Where `-j` or `-g` lead: a chain or a target such as RETURN. Undefined for a rule that only counts. */
  readonly target: string | undefined;
}

/** The rules of each chain, in order. A chain that is there and empty has no rules; no table has no chains. */
export type FilterTable = ReadonlyMap<string, readonly SavedRule[]>;

/** @throws {SyntaxError} when the text was cut off, has no counters, or says that iptables cannot show the table. */
export function parseFilterTable(text: string): FilterTable {
  const chains = new Map<string, SavedRule[]>();
  let table: string | undefined;
  for (const line of wholeLines(text)) {
    if (line === "" || line.startsWith("#")) {
      // Printed with exit status 0 in place of the table.
      if (/^# Table `filter' is incompatible/.test(line)) {
        throw new SyntaxError(
          "Cannot read the filter table: it has rules of nft's own that iptables cannot show",
        );
      }
    } else if (line.startsWith("*")) table = line.slice(1);
    else if (line === "COMMIT") table = undefined;
    else if (table === "filter") addLine(chains, line);
    else if (table === undefined) throw unexpected(line);
  }
  if (table !== undefined) {
    throw new SyntaxError(
      `Cannot read table "${table}": expected COMMIT at its end, got the end of the text`,
    );
  }
  return chains;
}

/** Lines, those joined again that a quoted line break tore apart. */
function* wholeLines(text: string): Generator<string> {
  let open = "";
  for (const line of text.split("\n")) {
    const whole = open === "" ? line : `${open}\n${line}`;
    if (whole.includes('"') && !whole.startsWith("#") && endsInQuotes(whole)) open = whole;
    else {
      open = "";
      yield whole;
    }
  }
  if (open !== "") throw new SyntaxError(`Cannot read the rule ${shown(open)}: expected a closing quote`);
}

function endsInQuotes(line: string): boolean {
  return line.replace(/\\./gs, "").split('"').length % 2 === 0;
}

function addLine(chains: Map<string, SavedRule[]>, line: string): void {
  const chain = /^:(\S+) \S+(?: \[\d+:\d+\])?$/.exec(line)?.[1];
  if (chain !== undefined) {
    chains.set(chain, []);
    return;
  }
  const [, bytes, of, spec] = /^\[\d+:(\d+)\] -A (\S+)(?: (.*))?$/s.exec(line) ?? [];
  const rules = of === undefined ? undefined : chains.get(of);
  if (bytes === undefined || !rules) throw unexpected(line);
  rules.push(savedRule(Number(bytes), spec ?? ""));
}

function savedRule(bytes: number, spec: string): SavedRule {
  const words = wordsOf(spec);
  // Options of a target may follow its name, and none of them is called -j: the last one is no other's value.
  const jump = Math.max(words.lastIndexOf("-j"), words.lastIndexOf("-g"));
  return { bytes, spec, words, target: jump < 0 ? undefined : words[jump + 1] };
}

function wordsOf(spec: string): string[] {
  if (!spec.includes('"')) return spec === "" ? [] : spec.split(" ");
  const words = spec.match(/"(?:\\.|[^"\\])*"|[^\s"]+/gs) ?? [];
  return words.map((word) => (word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/gs, "$1") : word));
}

function unexpected(line: string): SyntaxError {
  return new SyntaxError(
    `Cannot read the line ${shown(line)}: expected a chain or a rule of it with counters, as "iptables-save -c" prints them`,
  );
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 120));
}
