/**
 * Takes out of an engine's config what setting it up added.
 *
 * A file that nobody touched since is put back byte for byte. In any other, each
 * addition comes out where it still stands as it was added, and all that
 * people and scripts did since stays.
 *
 * Pure: no clock, no I/O.
 */
import { readEngineConfig } from "../../sources/xray/engine-config.ts";
import { removeAdditions } from "./config-additions.ts";
import type { Addition, SetupRecord } from "./setup-record.ts";

export interface UndoPlan {
  readonly text: string;
  /** True if this is the file as it was before the first setup. */
  readonly original: boolean;
  /** What was added and stays, because somebody changed it or needs it; or is gone already. */
  readonly left: readonly string[];
}

/** @throws {SyntaxError} when the text is not JSON with comments, or not an object. */
export function planUndo(text: string, record: SetupRecord): UndoPlan {
  if (record.original !== null && text === record.result)
    return { text: record.original, original: true, left: [] };
  // Engines end the traffic that a rule sends to an outbound that is not there: rules go first.
  const rules = removeAdditions(text, record.added.filter(isRule));
  const inUse = new Set(
    readEngineConfig(rules.text.replace(/^\uFEFF/, "")).rules.map((rule) => rule.outboundTag),
  );
  const needed = record.added.filter((addition) => isOutbound(addition) && inUse.has(tagOf(addition)));
  const rest = removeAdditions(
    rules.text,
    record.added.filter((addition) => !isRule(addition) && !needed.includes(addition)),
  );
  return {
    text: rest.text,
    original: rest.text === record.original,
    left: [
      ...[...rules.kept, ...rest.kept].map((one) => `${nameOf(one)}: gone or changed since, left as it is`),
      ...needed.map((one) => `${nameOf(one)}: a rule leads to it that was changed, left as it is`),
    ],
  };
}

function isRule({ kind, in: path }: Addition): boolean {
  return kind === "item" && path[0] === "routing" && path[1] === "rules";
}

function isOutbound({ kind, in: path }: Addition): boolean {
  return kind === "item" && path[0] === "outbounds";
}

function tagOf({ value }: Addition): string | undefined {
  const tag: unknown = Object(value)["tag"];
  return typeof tag === "string" ? tag : undefined;
}

/** "inbounds.sluice-in-443.tag" or, for an item, its list and the item itself. */
function nameOf(addition: Addition): string {
  const path = addition.in.map((step) => (typeof step === "string" ? step : step.value));
  return [...path, addition.kind === "item" ? JSON.stringify(addition.value) : addition.key].join(".");
}
