/**
 * What the shell scripts that Sluice replaces are called, and how they are told
 * from Sluice under the same names (facts: legacy-scripts 1.2, 8).
 *
 * Pure: no clock, no I/O.
 */
import type { UnitFile } from "./unit-files.ts";

/** A unit that runs Sluice, whatever it is called. */
export function isOurs({ commands }: Pick<UnitFile, "commands">): boolean {
  return commands.some((command) => /\bcli\.[jt]s\b|(?:^|\/)sluice(?:\s|$)/.test(command));
}

/** Units of the scripts: theirs alone, or of a name that Sluice has taken over. */
export function isOldUnit({ unit, commands }: Pick<UnitFile, "unit" | "commands">): boolean {
  if (isOurs({ commands })) return false;
  return TAKEN_OVER.has(unit) || OLD_UNITS.some((pattern) => pattern.test(unit));
}

/** A command of cron's or a shell's that counts, cuts or captures. */
export function isOldCommand(command: string): boolean {
  return !/\bcli\.[jt]s\b/.test(command) && OLD_COMMANDS.test(command);
}

const TAKEN_OVER: ReadonlySet<string> = new Set(["bw-limit-check.service", "host-capture.service"]);

const OLD_UNITS: readonly RegExp[] = [
  /^capture-host\.service$/,
  /^xray-(?:quota-manager|traffic-monitor)\.service$/,
  /^ssh-limiter\.service$/,
  /^(?:quota|limit)-?(?:vmess|vless|trojan|ss|ssws|ssr|shadowsocks|sodosok|xray|ssh)\w*\.service$/,
];

const OLD_COMMANDS =
  /(?:^|[\s/;&|])(?:cek-bw-limit(?:\.sh)?\s+check|bw-limit-check|capture-host(?:-daemon)?|xray-quota-manager|xray-traffic-monitor|ssh-limiter(?:\.sh)?|quota-(?:vmess|vless|trojan|ss\w*|shadowsocks|sodosok))(?=$|[\s;&|])/;
