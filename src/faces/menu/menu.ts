/**
 * What a menu is: lines about the state of things, and items that each run one
 * command line of ours. Menus are data; they come from `menus/*.json`.
 *
 * Pure: no clock, no I/O.
 */
export interface Menu {
  readonly title: string;
  readonly status: readonly StatusLine[];
  readonly items: readonly MenuItem[];
}

/** A line above the items: the label and what the command says, green if it succeeds and red if not. */
export interface StatusLine {
  readonly label: string;
  readonly run: readonly string[];
}

export interface MenuItem {
  /** The number to type, without leading zeros. */
  readonly key: string;
  readonly text: string;
  /** What choosing it will do, said before anything is asked; "" says nothing. */
  readonly says: string;
  /** A command to run before anything is asked, so that one can choose from what it lists; empty for none. */
  readonly shows: readonly string[];
  readonly asks: readonly Question[];
  readonly confirm: Confirmation | undefined;
  /** A command line of ours, with "{name}" for what was asked; empty if it opens a menu. */
  readonly run: readonly string[];
  /** The menu it opens; "" for none. */
  readonly opens: string;
  /** A screen that goes on until it is left: no key is waited for afterwards. Where there is no terminal it is shown once. */
  readonly live: boolean;
}

export interface Question {
  readonly name: string;
  readonly prompt: string;
  readonly check: Check;
}

/** Nothing is done unless the answer is the one expected. */
export interface Confirmation {
  readonly prompt: string;
  /** "y", in either case, or "{user}" for that answer once more. */
  readonly expects: string;
}

/** What an answer can be: a user who is there, any name for one, and so on (checks.ts). */
export const CHECKS = ["user", "name", "megabytes", "type", "host", "service", "file"] as const;
export type Check = (typeof CHECKS)[number];
