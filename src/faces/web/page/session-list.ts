/**
 * Logins as the page lists them.
 *
 * Pure: no clock, no I/O.
 */
import type { SessionRow } from "../wire.ts";

/** How long a login lasted, or has until now, in ms; never below 0, as the server's clock may be ahead of ours. */
export function lasted({ began, ended }: Pick<SessionRow, "began" | "ended">, now: number): number {
  return Math.max(0, (ended ?? now) - began);
}

/**
 * Those whose account or address has the text in it, in any case.
 *
 * @param text "" lets all through.
 */
export function matching(rows: readonly SessionRow[], text: string): readonly SessionRow[] {
  const part = text.trim().toLowerCase();
  if (part === "") return rows;
  return rows.filter(({ account, realAddress, addresses }) =>
    [account, realAddress, ...addresses].some((field) => field.toLowerCase().includes(part)),
  );
}
