/**
 * What is to be done so that a host has what is wanted of it: wanted against
 * found, and what an earlier installation wrote.
 *
 * Nothing of anybody else's is overwritten: it is moved aside, and its name is
 * remembered for the way back.
 *
 * Pure: no clock, no I/O.
 */
import { RefusedRequestError } from "../../errors.ts";
import type { Wanted } from "./layout.ts";
import { ASIDE, type Installed } from "./record-types.ts";

/** What stands at a path. `mode` is its permission bits. */
export type Found =
  | { readonly kind: "nothing" }
  | { readonly kind: "file"; readonly sha256: string; readonly mode: number }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "folder" };

export type Step =
  | {
      readonly kind: "keep";
      readonly wanted: Wanted;
      readonly aside: boolean;
      readonly before: string | null;
    }
  | {
      readonly kind: "make";
      readonly wanted: Wanted;
      /** Where what stands there goes; undefined if nothing does, or what we wrote ourselves. */
      readonly moved: string | undefined;
      /** What stands at the aside path belongs back here. */
      readonly aside: boolean;
      /** Where a link led that makes room; null if there was none. */
      readonly before: string | null;
    };

export interface Sight {
  readonly wanted: Wanted;
  /** SHA-256 of what is wanted, where that is a file. */
  readonly sha256: string;
  readonly found: Found;
  /** Whether something has the name that what stands there would get. */
  readonly asideTaken: boolean;
  readonly changedTaken: boolean;
}

/** Added to a file of ours that somebody changed; logrotate and systemd read no such files. */
export const CHANGED = ".changed.bak";

/** @throws {RefusedRequestError} when something is in the way that cannot make room. */
export function planStep(sight: Sight, record: Installed | undefined): Step {
  const { wanted, found } = sight;
  const { path } = wanted;
  if (wanted.kind === "folder") {
    if (found.kind === "file") throw inTheWay(path, "a folder", "a file");
    // A link to a folder is somebody's choice of a disk.
    return found.kind === "nothing" ? fresh(wanted) : keep(wanted, false, null);
  }
  if (found.kind === "folder") throw inTheWay(path, `a ${wanted.kind}`, "a folder");
  return wanted.kind === "link" ? planLink(wanted, sight, record) : planFile(wanted, sight, record);
}

function planLink(
  wanted: Wanted & { readonly kind: "link" },
  sight: Sight,
  record: Installed | undefined,
): Step {
  const known = record?.links.find(({ path }) => path === wanted.path);
  const { found } = sight;
  if (found.kind === "link" && found.target === wanted.target) {
    return keep(wanted, known?.aside ?? false, known ? known.before : found.target);
  }
  if (found.kind === "nothing")
    return { ...fresh(wanted), aside: known?.aside ?? false, before: known?.before ?? null };
  if (found.kind === "link")
    return { ...fresh(wanted), aside: known?.aside ?? false, before: known ? known.before : found.target };
  return { ...fresh(wanted), moved: asideOf(sight), aside: true };
}

function planFile(
  wanted: Wanted & { readonly kind: "file" },
  sight: Sight,
  record: Installed | undefined,
): Step {
  const known = record?.files.find(({ path }) => path === wanted.path);
  const { found, sha256 } = sight;
  if (found.kind === "file" && found.sha256 === sha256) {
    // One of an installation that was interrupted has its predecessor aside already.
    const aside = known?.aside ?? sight.asideTaken;
    return found.mode === wanted.mode ? keep(wanted, aside, null) : { ...fresh(wanted), aside };
  }
  if (found.kind === "nothing") return { ...fresh(wanted), aside: known?.aside ?? sight.asideTaken };
  if (known && found.kind === "file" && found.sha256 === known.sha256)
    return { ...fresh(wanted), aside: known.aside };
  // What should have gone aside still stands there: an installation was killed before it did that.
  if (known?.aside && !sight.asideTaken) return { ...fresh(wanted), moved: asideOf(sight), aside: true };
  if (known) {
    if (sight.changedTaken)
      throw inTheWay(`${wanted.path}${CHANGED}`, "nothing", "an earlier change of yours");
    return { ...fresh(wanted), moved: `${wanted.path}${CHANGED}`, aside: known.aside };
  }
  return { ...fresh(wanted), moved: asideOf(sight), aside: true };
}

function fresh(wanted: Wanted): Step & { readonly kind: "make" } {
  return { kind: "make", wanted, moved: undefined, aside: false, before: null };
}

function keep(wanted: Wanted, aside: boolean, before: string | null): Step {
  return { kind: "keep", wanted, aside, before };
}

function asideOf({ wanted: { path }, asideTaken }: Sight): string {
  if (asideTaken)
    throw inTheWay(`${path}${ASIDE}`, "nothing", "something, so that the present one cannot be kept there");
  return `${path}${ASIDE}`;
}

function inTheWay(path: string, expected: string, got: string): RefusedRequestError {
  return new RefusedRequestError(`Cannot install "${path}": expected ${expected} there, got ${got}`);
}
