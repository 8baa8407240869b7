/**
 * What an installation wrote, and what was there before, as its record says it.
 *
 * Pure: no clock, no I/O.
 */

export interface InstalledFile {
  readonly path: string;
  /** SHA-256 of what was written, in hex. */
  readonly sha256: string;
  /** What stood there was moved to the path with `ASIDE` behind it. */
  readonly aside: boolean;
}

export interface InstalledLink {
  readonly path: string;
  readonly target: string;
  readonly aside: boolean;
  /** Where a link of the same name led before; null if there was none. */
  readonly before: string | null;
}

/**
 * Written before anything is changed and again when all is done: one that was
 * interrupted knows what was there before, and the next run goes on from it.
 */
export interface Installed {
  readonly format: 1;
  /** False while it is under way: then it has what was written before and what is to be written. */
  readonly complete: boolean;
  /** The program's version. */
  readonly version: string;
  readonly files: readonly InstalledFile[];
  readonly links: readonly InstalledLink[];
  /** Folders that were not there, the outer before the inner. */
  readonly folders: readonly string[];
  /** Moved out of the way, with nothing in its place. */
  readonly asides: readonly string[];
  /** Below the program's folder: SHA-256 by path. */
  readonly program: Readonly<Record<string, string>>;
  /** Another program's folder stood in the program's place, and is aside. */
  readonly programAside: boolean;
  /** Services of the shell scripts that ran. */
  readonly stopped: readonly string[];
}

/** What was in the way keeps its name with this behind it. systemd and cron read no such files. */
export const ASIDE = ".before-sluice";
