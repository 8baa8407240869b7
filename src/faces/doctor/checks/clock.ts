/** What time it is for this host: whether its clock is set, and in which zone days turn. */
import { dirname, join } from "node:path";
import type { Case } from "../case.ts";
import { type Finding, ok, problem, unseen, warning } from "../finding.ts";
import type { Host } from "../host.ts";

/** @param synchronised the kernel's word; undefined where it gives none. */
export function lookAtClock(synchronised: boolean | undefined): Finding[] {
  const check = "clock";
  if (synchronised === undefined) return [unseen(check, "the kernel does not tell whether the clock is set")];
  return synchronised
    ? [ok(check, "the clock follows a time server")]
    : [
        warning(
          check,
          "the clock follows no time server: days and periods may turn at wrong moments",
          "timedatectl set-ntp true, or install chrony",
        ),
      ];
}

const ZONES = "/usr/share/zoneinfo";

export function lookAtZone({ host, settings, daemon }: Case): Finding[] {
  const check = "time-zone";
  const link = host.link("/etc/localtime");
  const named = link?.replace(/^.*\/zoneinfo\//, "");
  const findings: Finding[] = [];
  if (named !== undefined && host.entries(ZONES).length > 0 && host.stat(`${ZONES}/${named}`) === undefined) {
    const meant = sameButForCase(host, named);
    findings.push(
      problem(
        check,
        `this host's time zone "${named}" does not exist, so its clock shows UTC`,
        meant === undefined
          ? "timedatectl list-timezones, then set one"
          : `timedatectl set-timezone ${meant}`,
      ),
    );
  } else if (
    named !== undefined &&
    named !== settings.timeZone &&
    !(isUtc(named) && isUtc(settings.timeZone))
  ) {
    findings.push(
      warning(
        check,
        `days turn at midnight in ${settings.timeZone} (time_zone), and this host's clock shows ${named}`,
        "",
      ),
    );
  }
  const theirs = daemon?.status.timeZone;
  if (theirs !== undefined && theirs !== settings.timeZone) {
    findings.push(
      warning(
        check,
        `the daemon turns days in ${theirs}, the settings say ${settings.timeZone} now`,
        "systemctl reload bw-limit-check",
      ),
    );
  }
  return findings.length > 0
    ? findings
    : [ok(check, `days turn at midnight in ${settings.timeZone}, as this host's clock has it`)];
}

/** Scripts have linked "Asia/Kuala_lumpur" (facts: legacy-scripts 1.2). */
function sameButForCase(host: Host, zone: string): string | undefined {
  const folder = dirname(zone);
  const found = host
    .entries(join(ZONES, folder))
    .find((name) => join(folder, name).toLowerCase() === zone.toLowerCase());
  return found === undefined ? undefined : join(folder, found);
}

function isUtc(zone: string): boolean {
  return /^(?:Etc\/)?(?:UTC|UCT|Universal|Zulu|GMT|GMT0)$/.test(zone);
}
