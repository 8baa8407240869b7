/**
 * The names Sluice gives to what it adds to an engine.
 *
 * Outbounds and rules of ours are told from the operator's by these alone, both
 * in the running engine and in its config file, so they must never change.
 *
 * Pure: no clock, no I/O.
 */

/** Whatever leads to an outbound with this in front is ours. */
const PREFIX = "sluice-";

/** Swallows the traffic of cut users. */
export const BLACKHOLE_TAG = "sluice-blackhole";
/** Rules that lead to the blackhole: two, so that the next can stand before the last one goes. */
export const CUT_RULES = ["sluice-cut-a", "sluice-cut-b"] as const;
/**
 * The operator's own catch-all under a name of ours: an engine only adds rules
 * at the end, so it has to be taken out and added again behind them, by turns.
 */
export const LAST_RULES = ["sluice-last-a", "sluice-last-b"] as const;
/** The inbound and the outbound of an API that Sluice added. */
export const API_TAG = "sluice-api";

/**
 * The outbound that marks the account's connections, and the rule that leads there.
 *
 * @param number the account's in the kernel.
 */
export function gateTag(number: number): string {
  return `${PREFIX}user-${number}`;
}

/** The account's number in the name of its outbound; undefined for any other name. */
export function numberOfGate(tag: string): number | undefined {
  const [, digits] = /^sluice-user-([1-9]\d{0,6})$/.exec(tag) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

export function isOurs(tag: string): boolean {
  return tag.startsWith(PREFIX);
}
