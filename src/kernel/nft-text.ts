/**
 * Changes of our table in nft's own language. Names in it are ours alone: made
 * of letters and digits, never of what a user is called.
 *
 * Pure: no clock, no I/O.
 */
import type { NftChange, NftKey } from "./nftables.ts";

export function statement(table: string, change: NftChange): string {
  const named = (verb: string, kind: string) =>
    `${verb} ${kind} inet ${table} ${"name" in change ? change.name : ""}`;
  switch (change.kind) {
    case "add-counter":
      return named("add", "counter");
    case "add-quota":
      return `${named("add", "quota")} { over ${change.limit} bytes used ${change.used} bytes ; }`;
    case "set-quota":
      return `${named("add", "quota")} { over ${change.limit} bytes ; }`;
    case "delete-counter":
      return named("delete", "counter");
    case "delete-quota":
      return named("delete", "quota");
    case "add-element":
      return `add element inet ${table} ${change.set} { ${elementText(change)} }`;
    case "delete-element":
      return `delete element inet ${table} ${change.set} { ${keyText(change.key)} }`;
    case "flush-set":
      return `flush set inet ${table} ${change.set}`;
  }
}

/** "key", or "key : value" in a map. */
export function elementText({ key, value }: Extract<NftChange, { kind: "add-element" }>): string {
  if (!value) return keyText(key);
  const right =
    "mark" in value ? hexadecimal(value.mark) : `"${"counter" in value ? value.counter : value.quota}"`;
  return `${keyText(key)} : ${right}`;
}

function keyText(key: NftKey): string {
  if ("uid" in key) return String(key.uid);
  if ("mark" in key) return hexadecimal(key.mark);
  if ("device" in key) return `"${key.device}"`;
  if ("address" in key) return key.address;
  return "range" in key ? key.range.join("-") : `"${key.cgroup.path}"`;
}

function hexadecimal(mark: number): string {
  return `0x${mark.toString(16).padStart(8, "0")}`;
}
