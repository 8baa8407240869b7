/**
 * How fast a user could possibly move: the host's line, both directions together.
 *
 * Virtual cards report no speed (-1) or none at all; 1 Gbit/s is assumed then.
 */
import { readdirSync, readFileSync } from "node:fs";

const ASSUMED_MBPS = 1_000;

/** @returns bytes per millisecond. */
export function lineRateOf(setting: number | "auto"): number {
  const mbps = setting === "auto" ? (fastestCard() ?? ASSUMED_MBPS) : setting;
  return (mbps * 2 * 1_000_000) / 8 / 1000;
}

function fastestCard(): number | undefined {
  const speeds = readdirSync("/sys/class/net").flatMap((card) => {
    try {
      return [Number(readFileSync(`/sys/class/net/${card}/speed`, "utf8"))];
    } catch {
      return []; // EINVAL: the card has no speed to tell
    }
  });
  const fastest = Math.max(0, ...speeds);
  return fastest > 0 ? fastest : undefined;
}
