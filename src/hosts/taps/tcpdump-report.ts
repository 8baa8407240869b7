/**
 * What tcpdump says on its standard error of packets it could not keep up with.
 *
 *   report = N " packet" ["s"] " captured" ... N " packet" ["s"] " dropped by kernel"
 *
 * On one line when it is asked (SIGUSR1), on three when it ends. Figures are since
 * it was started.
 *
 * Pure: no I/O, no state between calls.
 */
export interface TapReport {
  readonly captured: number;
  /** Packets that found the kernel's buffer full: names may have been among them. */
  readonly dropped: number;
}

/** @returns undefined for a text without a whole report. The last one counts. */
export function parseReport(text: string): TapReport | undefined {
  const captured = lastNumber(text, "captured");
  const dropped = lastNumber(text, "dropped by kernel");
  return captured === undefined || dropped === undefined ? undefined : { captured, dropped };
}

function lastNumber(text: string, what: string): number | undefined {
  const found = [...text.matchAll(/(\d{1,15}) packets? ([a-z ]+)/g)].findLast(
    ([, , words]) => words === what,
  );
  return found === undefined ? undefined : Number(found[1]);
}
