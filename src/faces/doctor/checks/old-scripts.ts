/** What is left of the scripts that Sluice replaces: it counts, cuts and captures beside it. */

import type { Case } from "../case.ts";
import type { Change } from "../change.ts";
import { cronJobs } from "../cron-jobs.ts";
import { type Finding, ok, problem, warning } from "../finding.ts";
import { isOldCommand, isOldUnit } from "../old-scripts.ts";
import { type ProcessFacts, programOf } from "../process-table.ts";
import { unitFiles } from "../unit-files.ts";

/** cron passes over file names with a dot. */
const ASIDE = ".disabled-by-sluice";

export function lookForOldCrons({ host }: Case): Finding[] {
  const check = "old-crons";
  const all = Map.groupBy(cronJobs(host), ({ file }) => file);
  const findings = [...all].flatMap(([file, jobs]) => {
    const old = jobs.filter(({ command }) => isOldCommand(command));
    if (old.length === 0) return [];
    const commands = old.map(({ command }) => command).join("; ");
    const whole = file.startsWith("/etc/cron.d/") && old.length === jobs.length;
    const fix: Change | undefined = whole ? { kind: "move", from: file, to: `${file}${ASIDE}` } : undefined;
    const advice = whole ? `put it aside: mv ${file} ${file}${ASIDE}` : `take that line out of ${file}`;
    return [warning(check, `an old cron job still runs: ${commands} (${file})`, advice, fix)];
  });
  return findings.length > 0 ? findings : [ok(check, "no cron job of the old scripts is left")];
}

export function lookForOldServices({ host, processes }: Case): Finding[] {
  const check = "old-services";
  const findings = unitFiles(host)
    .filter(isOldUnit)
    .flatMap((file) => {
      const { unit, path, enabled } = file;
      const active = processes.some((each) => each.unit === unit);
      if (!enabled && !active) return [];
      const state = [active ? "runs" : "", enabled ? "starts at boot" : ""]
        .filter((word) => word !== "")
        .join(" and ");
      const fix: Change = { kind: "unit", unit, to: "disabled", was: { enabled, active } };
      return [
        problem(
          check,
          `${unit} of the old scripts ${state} (${path}): it counts or captures beside Sluice`,
          `systemctl disable --now ${unit}`,
          fix,
        ),
      ];
    });
  return findings.length > 0 ? findings : [ok(check, "no service of the old scripts is left")];
}

/** Loops that nobody's unit holds: started by hand, from rc.local, in a screen. */
export function lookForOldLoops({ host, processes }: Case): Finding[] {
  const check = "old-loops";
  const units = new Set(
    unitFiles(host)
      .filter(isOldUnit)
      .map(({ unit }) => unit),
  );
  const old = processes.filter((each) => isOldLoop(each) && !units.has(each.unit ?? ""));
  if (old.length === 0) return [ok(check, "no loop of the old scripts runs")];
  return old.map(({ pid, argv }) =>
    problem(
      check,
      `a loop of the old scripts runs (pid ${pid}: ${argv.join(" ").slice(0, 120)})`,
      `find who starts it (systemctl status ${pid}), then kill ${pid}`,
    ),
  );
}

/** A shell that runs one of them; an editor or a search with its name in its arguments is none. */
function isOldLoop(process: ProcessFacts): boolean {
  return /^(?:ba|da|z|k)?sh$/.test(programOf(process)) && isOldCommand(process.argv.slice(1).join(" "));
}
