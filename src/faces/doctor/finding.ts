/**
 * What a check has to say: what is, and what to do about it.
 *
 * Pure: no clock, no I/O.
 */
import type { Change } from "./change.ts";

/** A "problem" keeps somebody from being counted, cut or kept apart; a "warning" may, or could not be looked at. */
export type Level = "ok" | "warning" | "problem";

export interface Finding {
  /** Which check found it: "xray-services". Stable, for programs. */
  readonly check: string;
  readonly level: Level;
  /** What is. */
  readonly text: string;
  /** What to do; "" when nothing has to be done. */
  readonly advice: string;
  /** What `--fix` would do about it. */
  readonly fix?: Change;
}

export function ok(check: string, text: string): Finding {
  return { check, level: "ok", text, advice: "" };
}

export function warning(check: string, text: string, advice: string, fix?: Change): Finding {
  return { check, level: "warning", text, advice, ...(fix && { fix }) };
}

export function problem(check: string, text: string, advice: string, fix?: Change): Finding {
  return { check, level: "problem", text, advice, ...(fix && { fix }) };
}

/** Not a good sign and not a bad one: it was not looked at. */
export function unseen(check: string, why: string, advice = ""): Finding {
  return { check, level: "warning", text: `${check}: could not look: ${why}`, advice };
}

/** The first few of many names, and how many more there are. */
export function someOf(names: readonly string[], most = 5): string {
  const shown = names.slice(0, most).join(", ");
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
