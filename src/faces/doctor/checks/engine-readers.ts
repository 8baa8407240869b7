/**
 * Who else reads the engine's counters, and takes what it reads away by resetting
 * them: panels, exporters, the shell scripts' quota loops (facts: legacy-scripts 8).
 */
import { join } from "node:path";
import type { Case } from "../case.ts";
import { type Finding, ok, problem, someOf, warning } from "../finding.ts";
import { programOf } from "../process-table.ts";
import { scriptsInUse } from "../scripts-in-use.ts";

const CHECK = "xray-readers";
const RECENT_MS = 24 * 3_600_000;

export function lookForReaders(it: Case): Finding[] {
  if (it.settings.xray.length === 0) return [];
  const findings = [...resetsSeen(it), ...scripts(it), ...panels(it)];
  return findings.length > 0 ? findings : [ok(CHECK, "nobody else is seen to reset the engines' counters")];
}

/** Its own word: the daemon has seen counters fall. */
function resetsSeen({ host, settings, now }: Case): Finding[] {
  const text = host.read(join(settings.logDirectory, "events.jsonl")) ?? "";
  const times = text.split("\n").flatMap((line) => {
    if (!line.includes('"counter-reset"')) return [];
    const time = /"time":"([^"]+)"/.exec(line)?.[1] ?? "";
    return now - Date.parse(time) < RECENT_MS ? [time] : [];
  });
  const last = times.at(-1);
  if (last === undefined) return [];
  return [
    problem(
      CHECK,
      `another program reset counters ${times.length} times within a day, last at ${last}: what moved between our last look and its reset is lost`,
      "stop that program, or have it read without resetting; sluice events --since 1d names the users",
    ),
  ];
}

function scripts({ host, processes }: Case): Finding[] {
  const found = scriptsInUse(host, processes).filter(({ text }) => RESETS.test(text));
  return found.map(({ user, path }) =>
    problem(
      CHECK,
      `${user} resets the engine's counters${path === undefined ? "" : ` (in ${path})`}: bytes it takes may go uncounted`,
      "stop it: Sluice does its work",
    ),
  );
}

function panels({ processes }: Case): Finding[] {
  const found = processes.filter((each) => READERS.has(programOf(each)));
  if (found.length === 0) return [];
  const names = found.map((each) => `${programOf(each)} (pid ${each.pid})`);
  return [
    warning(
      CHECK,
      `${someOf(names)} reads the engine's counters, and may reset them`,
      "switch its traffic statistics off, or watch for counter-reset in sluice events",
    ),
  ];
}

/** A call that reads with reset, as the command line of either engine writes it. */
const RESETS =
  /(?:\bstatsquery\b|\bapi\s+stats\b|StatsService\.\w+)[^\n]*(?:\s--?reset\b(?!=false)|\breset:\s*true)/;

const READERS: ReadonlySet<string> = new Set([
  ...["x-ui", "3x-ui", "s-ui", "marzban", "marzban-node", "pg-node", "remnanode", "hiddify-panel"],
  ...["XrayR", "V2bX", "xray-exporter", "xray_exporter", "v2ray-exporter", "v2ray_exporter"],
]);
