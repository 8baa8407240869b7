/**
 * A config's text with its log files switched off, for a trial run.
 *
 * An engine opens its log files even when it only checks a config. Run by root
 * that creates them as root's, mode 0600, and the real engine, as another user,
 * then fails to start.
 *
 * Pure: no clock, no I/O.
 */
import { membersOf, readTree, replaceLiterals } from "./config-text.ts";

/**
 * Every log path becomes "none", also those the engine would override by a
 * later one. An absent or empty path means the terminal and stays.
 *
 * @throws {SyntaxError} when the text is not JSON with comments.
 */
export function silenceLogs(text: string): string {
  const paths = membersOf(readTree(text), "log")
    .flatMap((log) => [...membersOf(log, "access"), ...membersOf(log, "error")])
    .filter((node) => node.kind === "text")
    .filter(({ value }) => value !== "");
  return replaceLiterals(
    text,
    paths.map((place) => ({ place, literal: '"none"' })),
  );
}
