/**
 * What may be sent to a management interface as one command, and what its
 * answer looks like. The server tells neither: some commands are answered with
 * one line, some with lines up to END, and some with nothing at all, behind
 * which every later answer would be taken for another's (facts: openvpn, 4).
 *
 * Pure: no clock, no I/O.
 */

/** One line, or lines up to END; a block that is refused is one line, "ERROR: ...". */
export type Answer = "line" | "block";

/** The server takes no more in one word, in bytes. */
const LONGEST_WORD = 255;
/** Its line buffer has 1,024 bytes. */
const LONGEST_COMMAND = 1000;

const BLOCKS: ReadonlySet<string> = new Set([
  ...["help", "status", "version", "net", "remote-entry-count", "remote-entry-get"],
]);
/** Answered with what is asked for, with a word to turn it on or off, or with both, one behind the other. */
const HISTORIES: ReadonlySet<string> = new Set(["log", "state", "echo"]);
/** Why no answer to these can be told from other lines. */
const UNANSWERED: ReadonlyMap<string, string> = new Map([
  ["quit", "it ends the line for everybody"],
  ["exit", "it ends the line for everybody"],
  ["test", "its answer has no end"],
  ["pkcs11-id-count", "its answer is no answer"],
  ["pkcs11-id-get", "its answer is no answer"],
  ...["client-auth", "client-pf", "rsa-sig", "pk-sig", "certificate"].map(
    (command) => [command, "it goes on over several lines"] as const,
  ),
]);

/**
 * The answers that a command will get, in their order.
 *
 * @throws {RangeError} for a text that the server could not take as one command, or would leave unanswered.
 */
export function answersTo(text: string): readonly Answer[] {
  const words = wordsOf(text);
  const [command = "", first, second] = words;
  const why = command === "version" && first !== undefined ? "it is not answered" : UNANSWERED.get(command);
  if (why !== undefined) throw refusal(text, `"${words.slice(0, 2).join(" ")}" cannot be asked here: ${why}`);
  if (HISTORIES.has(command)) {
    return [first ?? (command === "state" ? "1" : "on"), second].flatMap((word) =>
      word === undefined ? [] : [word === "all" || /^\s*\+?0*[1-9]/.test(word) ? "block" : "line"],
    );
  }
  return [BLOCKS.has(command) ? "block" : "line"];
}

/** The words of a line as the server takes it apart: by blanks, with quotes and backslashes. */
function wordsOf(text: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const control = /[\u0000-\u0008\u000a-\u001f\u007f]/.exec(text);
  if (control)
    throw refusal(text, `expected one line without control characters, got one at ${control.index}`);
  const length = Buffer.byteLength(text);
  if (length > LONGEST_COMMAND) {
    throw refusal(text, `expected at most ${LONGEST_COMMAND} bytes, got ${length}`);
  }
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (quote === "'" ? character !== "'" : character === "\\") {
      if (character === "\\" && quote !== "'") at += 1;
      if (at >= text.length) throw refusal(text, "expected a character behind the last backslash");
      word = (word ?? "") + text.charAt(at);
    } else if (quote !== "" && character === quote) quote = "";
    else if (quote !== "") word += character;
    else if (character === '"' || character === "'") [quote, word] = [character, word ?? ""];
    else if (character === " " || character === "\t") {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (word === undefined && (character === "#" || character === ";"))
      break; // a comment
    else word = (word ?? "") + character;
  }
  if (quote !== "") throw refusal(text, `expected the quote ${quote} to be closed`);
  if (word !== undefined) words.push(word);
  if (words.length === 0) throw refusal(text, "expected a command, got an empty line");
  const long = words.find((each) => Buffer.byteLength(each) > LONGEST_WORD);
  if (long !== undefined) {
    const got = Buffer.byteLength(long);
    throw refusal(text, `the server takes words of at most ${LONGEST_WORD} bytes, got one of ${got}`);
  }
  return words;
}

function refusal(text: string, why: string): RangeError {
  return new RangeError(`Cannot send ${JSON.stringify(text.slice(0, 80))} to the server: ${why}`);
}
