/**
 * An account of a backup as it is on the host where it is restored.
 *
 * Its limits and what it used come back; what ties it to a running host does
 * not. Its counters' baselines are of other moments, so that the first look
 * afterwards books nothing. What was taken from its user is known here by this
 * host's own books; from the backup comes only what this host still shows.
 *
 * Pure: no clock, no I/O.
 */
import type { Account, HeldAccess } from "../../ledger/account.ts";
import type { UnixTime } from "../../units.ts";

/** What can be seen on this host of what Sluice did there, or on one it was copied from. */
export interface HostTraces {
  /** Whether an engine's config holds this secret, which Sluice made up. */
  readonly holdsSecret: (secret: string) => boolean;
  /** Whether the login is locked the way Sluice locks. */
  readonly isLocked: (login: string) => boolean;
}

/** What the host's books say before they are replaced. */
export interface PresentBooks {
  readonly accounts: ReadonlyMap<string, Account>;
  /** The last number that was given to an account in this host's kernel. */
  readonly lastKernelNumber: number;
}

/** @param now when it is restored. */
export function restoredAccount(
  archived: Account,
  present: PresentBooks,
  traces: HostTraces,
  now: UnixTime,
): Account {
  const here = present.accounts.get(archived.name);
  const held = here?.held ?? [];
  return {
    ...archived,
    kernelNumber: clashes(archived, here, present) ? 0 : archived.kernelNumber,
    held: [...held, ...archived.held.filter((each) => !stands(each, held) && isTrueHere(each, traces))],
    // Nothing is deleted for what was seen elsewhere, or in another life of these books.
    ...{ crossing: undefined, removal: undefined },
    counters: new Map(),
    sequence: archived.sequence + 1,
    updatedAt: now,
  };
}

/** A user whom the backup does not know and who is cut here: forgotten, he could never be let in again. */
export function keptAccount(here: Account, now: UnixTime): Account | undefined {
  if (here.held.length === 0) return undefined;
  return {
    ...here,
    ...{ crossing: undefined, removal: undefined, counters: new Map() },
    ...{ sequence: here.sequence + 1, updatedAt: now },
  };
}

/** The kernel may still hold marks of whoever had the number here. */
function clashes({ kernelNumber }: Account, here: Account | undefined, present: PresentBooks): boolean {
  return kernelNumber !== here?.kernelNumber && kernelNumber <= present.lastKernelNumber;
}

function stands(each: HeldAccess, held: readonly HeldAccess[]): boolean {
  return held.some(
    ({ kind, keeper, user }) => kind === each.kind && keeper === each.keeper && user === each.user,
  );
}

/** A running engine of another life has everybody its config has, and a gate in the kernel is put there anew. */
function isTrueHere(each: HeldAccess, { holdsSecret, isLocked }: HostTraces): boolean {
  switch (each.kind) {
    case "neutralised":
      return holdsSecret(each.ours);
    case "locked":
      return isLocked(each.user);
    case "removed":
    case "gate":
      return false;
    default:
      return each satisfies never;
  }
}
