/**
 * Whose the counters in a login's chains are, and where they go on when the chains are made again.
 *
 * Once a login was read, its counters are known, and only grow: chains that
 * vanished or fell begin where they stood, so readings of IPv4 and IPv6 can be
 * added up and nothing is booked twice. A fresh process knows nothing: chains
 * that stand whole, made for the same account in this boot, go on. Any others
 * begin at zero, since bytes in them may have been booked before, and a sum of
 * which one part is gone would look like a reset to the books.
 *
 * Pure: no clock, no I/O.
 */

import type { Family } from "../../kernel/iptables.ts";
import type { FilterTable } from "../../kernel/iptables-save.ts";
import {
  type Counted,
  countedIn,
  gatesOf,
  type Owner,
  ownerOf,
  scriptBytes,
  ZERO,
} from "./iptables-rules.ts";

export type Tables = ReadonlyMap<Family, FilterTable>;

/** The counters of one login by family, as they were last read. */
export type Known = ReadonlyMap<Family, Counted>;

/**
 * The families in which the counting chains have to be made, each with what it begins at.
 *
 * @param known undefined for a login never read before.
 * @param adopt whether a chain that only scripts know begins at what they counted.
 */
export function startsOf(
  tables: Tables,
  uid: number,
  owner: Owner,
  known: Known | undefined,
  adopt: boolean,
): Known {
  if (known) return brokenOnes(tables, uid, owner, known);
  const owners = [...tables.values()].map((table) => ownerOf(table, uid));
  const whole = [...tables.values()].every((table) => countedIn(table, uid));
  if (whole && owners.every((found) => isSame(found, owner))) return new Map();
  const fromScripts = adopt && owners.every((found) => found === undefined);
  return new Map(
    [...tables].map(([family, table]) => [
      family,
      fromScripts ? { ...ZERO, uplink: scriptBytes(table, uid) } : ZERO,
    ]),
  );
}

/** A gate of this account that stands: it stays shut until somebody opens it. */
export function foundShut(tables: Tables, uid: number, mark: number): boolean {
  return [...tables.values()].some((table) => ownerOf(table, uid)?.mark === mark && gatesOf(table, uid) > 0);
}

function brokenOnes(tables: Tables, uid: number, owner: Owner, known: Known): Known {
  const starts = new Map<Family, Counted>();
  for (const [family, table] of tables) {
    const before = known.get(family) ?? ZERO;
    const found = ownerOf(table, uid);
    // A script that flushed its own chain took our mark along; the counters are others.
    const now = found === undefined || isSame(found, owner) ? countedIn(table, uid) : undefined;
    if (!now || fell(before, now)) starts.set(family, before);
  }
  return starts;
}

function isSame(found: Owner | undefined, owner: Owner): boolean {
  return found?.mark === owner.mark && found.boot === owner.boot;
}

function fell(before: Counted, now: Counted): boolean {
  return (
    now.uplink < before.uplink || now.localDownlink < before.localDownlink || now.downlink < before.downlink
  );
}
