/**
 * What setting an engine up added to its config, kept so that it can be taken out again.
 *
 * Pure: no clock, no I/O.
 */
import type { Json } from "./config-layout.ts";

/** From the whole file inwards: a member's name, or the list's item that has this member with this value. */
export type Path = readonly (string | { readonly key: string; readonly value: string })[];

export type Addition =
  | { readonly kind: "member"; readonly in: Path; readonly key: string; readonly value: Json }
  | { readonly kind: "item"; readonly in: Path; readonly value: Json }
  /** A value that was there and is another now; `was` is its text. */
  | {
      readonly kind: "value";
      readonly in: Path;
      readonly key: string;
      readonly was: string;
      readonly value: Json;
    };

export interface SetupRecord {
  readonly version: 1;
  /** The file before the first setup; null when somebody else changed it between two of them. */
  readonly original: string | null;
  /** The file as the last setup left it. */
  readonly result: string;
  readonly added: readonly Addition[];
}

/** The same for values that JSON does not tell apart: the order of members does not count. */
export function canonical(value: Json | undefined): string {
  if (value === undefined) return "";
  return JSON.stringify(value, (_, held: unknown) =>
    typeof held === "object" && held !== null && !Array.isArray(held)
      ? Object.fromEntries(Object.entries(held).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : held,
  );
}
