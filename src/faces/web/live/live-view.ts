/**
 * What a client says it looks at, checked.
 *
 * Pure: no clock, no I/O.
 */
import type { LiveView } from "../wire.ts";

/** The longest message of a client, in bytes: more than any name needs. */
export const LONGEST_MESSAGE = 4_096;

const PLAIN = ["overview", "accounts", "hosts", "none"] as const;

/** @returns undefined for what is no view: no JSON, too long, unknown, an account without its name. */
export function parseLiveView(text: string): LiveView | undefined {
  if (Buffer.byteLength(text) > LONGEST_MESSAGE) return undefined;
  try {
    const said: unknown = JSON.parse(text);
    if (typeof said !== "object" || said === null) return undefined;
    const { view, name } = said as { readonly view?: unknown; readonly name?: unknown };
    return liveView(view, name);
  } catch {
    return undefined;
  }
}

/** @returns undefined for a view there is not, or an account without its name. */
export function liveView(view: unknown, name: unknown): LiveView | undefined {
  if (view === "account") return typeof name === "string" && name !== "" ? { view, name } : undefined;
  const plain = PLAIN.find((known) => known === view);
  return plain === undefined ? undefined : { view: plain };
}
