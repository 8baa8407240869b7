/**
 * The options in an OpenVPN config, line by line, as OpenVPN itself takes a line
 * apart (parse_line() and read_config_file() of its options.c).
 *
 *   word      = characters without white space | "quoted, \" and \\ inside" | 'as it is'
 *   comment   = # or ; at the beginning of a word, to the end of the line
 *   inline    = <name> alone on its line, then anything up to </name>
 *
 * Pure: no clock, no I/O.
 */

export interface ConfigOption {
  /** Of its line, from 0. */
  readonly line: number;
  /** Without the "--" it may have in front. */
  readonly name: string;
  readonly words: readonly string[];
}

export interface ConfigLines {
  readonly options: readonly ConfigOption[];
  /** What OpenVPN would not read either, or this program does not. */
  readonly problems: readonly string[];
}

/** OpenVPN refuses longer lines. */
export const LONGEST_LINE = 254;

export function readConfigLines(text: string): ConfigLines {
  const options: ConfigOption[] = [];
  const problems: string[] = [];
  let inline: { readonly name: string; readonly line: number } | undefined;
  for (const [line, raw] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    if (inline) {
      if (raw.trimStart().startsWith(`</${inline.name}>`)) inline = undefined;
      continue;
    }
    const [first, ...words] = wordsOf(raw, (why) => problems.push(`line ${line + 1}: ${why}`)) ?? [];
    if (first === undefined) continue;
    const opening = words.length === 0 ? /^<([^/>]+)>$/.exec(first)?.[1] : undefined;
    if (opening === undefined) options.push({ line, name: first.replace(/^--(?=.)/, ""), words });
    else inline = { name: opening, line };
  }
  if (inline) problems.push(`line ${inline.line + 1}: <${inline.name}> is not closed`);
  return { options, problems };
}

/** A word as it is written so that the same comes back. */
export function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `"${word.replace(/["\\]/g, "\\$&")}"`;
}

/** The words of one line; undefined, after saying why, for one that cannot be read. */
export function wordsOf(line: string, refuse: (why: string) => void): string[] | undefined {
  const words: string[] = [];
  let state: "between" | "plain" | "double" | "single" = "between";
  let word = "";
  let escaped = false;
  const end = () => {
    words.push(word);
    word = "";
    state = "between";
  };
  for (const letter of Array.from(`${line}\n`)) {
    const space = /^[ \t\r\n\v\f]$/.test(letter);
    if (letter === "\\" && !escaped && state !== "single") {
      escaped = true;
      continue;
    }
    if (escaped && !(letter === "\\" || letter === '"' || space)) {
      refuse("a backslash stands before something other than a backslash, a quote or a space");
      return undefined;
    }
    if (state === "between") {
      if (space && !escaped) continue;
      if (letter === "#" || letter === ";") return words;
      if (letter === '"' && !escaped) state = "double";
      else if (letter === "'") state = "single";
      else {
        state = "plain";
        word = letter;
      }
    } else if (state === "plain" && space && !escaped) end();
    else if (state === "double" && letter === '"' && !escaped) end();
    else if (state === "single" && letter === "'") end();
    else word += letter;
    escaped = false;
  }
  if (state === "between") return words;
  refuse("a quote is not closed, or the line ends in a backslash");
  return undefined;
}
