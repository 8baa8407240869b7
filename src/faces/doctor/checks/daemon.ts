/** The enforcer itself: whether it runs, saves, looks, and is alone. */
import { join, resolve } from "node:path";
import type { SourceStatus } from "../../../control/rows.ts";
import { usageOf } from "../../../daemon/state-lock.ts";
import type { Case } from "../case.ts";
import { type Finding, ok, problem, unseen, warning } from "../finding.ts";
import { type ProcessFacts, programOf } from "../process-table.ts";
import { coveredBy } from "./daemon-notes.ts";

const START = "systemctl start bw-limit-check, or: sluice enforce";

export function lookAtDaemon({ host, settings, daemon }: Case): Finding[] {
  const check = "daemon";
  if (daemon) {
    const { version, pid, mode, uptimeMs } = daemon.status;
    const text = `the daemon runs: version ${version}, pid ${pid}, up ${Math.round(uptimeMs / 1000)} s`;
    return [
      ok(check, text),
      mode === "observe"
        ? warning(
            "mode",
            "Sluice observes: it books, and cuts nobody",
            'say "mode": "enforce" in the settings to cut',
          )
        : ok("mode", "Sluice enforces: it cuts at the limits"),
    ];
  }
  const socket = join(settings.runtimeDirectory, "control.sock");
  if (host.uid !== 0 && host.lstat(socket) !== undefined) {
    return [unseen(check, `only root may ask the daemon at ${socket}`, "sudo sluice doctor")];
  }
  return [
    problem(
      check,
      `no daemon answers at ${socket}: nobody is counted or cut; gates in the kernel hold`,
      START,
    ),
  ];
}

/** Its sources' own words. */
export function lookAtSources({ daemon, engines, now }: Case): Finding[] {
  if (!daemon) return [];
  const { sources, saveTrouble } = daemon.status;
  return [
    saveTrouble === ""
      ? ok("daemon-saves", "all it booked is on the disk")
      : problem(
          "daemon-saves",
          `disk: ${saveTrouble}`,
          "make room or mount it writable; nothing is lost while the daemon runs",
        ),
    ...sources.flatMap((source) => [
      answerOf(source, now),
      ...source.notes
        .filter((note) => !coveredBy(note, engines, source.name))
        .map((note) => warning("source-note", `${source.name}: ${note}`, "")),
    ]),
  ];
}

/** A source is late when it was not looked at for so many of its periods, and for so long. */
const LATE_PERIODS = 10;
const LATE_MS = 10_000;

function answerOf({ name, answering, trouble, lastLookMs, periodMs }: SourceStatus, now: number): Finding {
  const check = "source";
  if (!answering) {
    return problem(
      check,
      `${name}: ${trouble === "" ? "has not answered yet" : trouble}`,
      "what it counts meanwhile is booked when it answers",
    );
  }
  const age = now - lastLookMs;
  if (lastLookMs > 0 && age > Math.max(LATE_MS, LATE_PERIODS * periodMs)) {
    return problem(
      check,
      `${name}: the last look was ${Math.round(age / 1000)} s ago, one is due every ${periodMs} ms`,
      "sluice status shows its jobs; restart the daemon if it hangs",
    );
  }
  return ok(check, `${name}: answers, looked at every ${periodMs} ms`);
}

/** systemd restarts what ends or hangs; outside of it nobody does. */
export function lookAtWatchdog({ daemon, processes }: Case): Finding[] {
  if (!daemon) return [];
  const check = "watchdog";
  const unit = processes.find(({ pid }) => pid === daemon.status.pid)?.unit;
  if (!isService(unit)) {
    return [
      warning(
        check,
        "the daemon does not run as a systemd unit: nobody starts it again when it ends",
        "install its unit (systemd/bw-limit-check.service)",
      ),
    ];
  }
  return daemon.status.jobs.some(({ name }) => name === "watchdog")
    ? [ok(check, `${unit} restarts the daemon when it hangs`)]
    : [warning(check, `${unit} does not watch whether the daemon hangs`, "add WatchdogSec=30 to the unit")];
}

/** A session's own unit is that of whoever logged in. */
function isService(unit: string | undefined): unit is string {
  return unit !== undefined && !/^(?:user@\d+|ssh|sshd|session-\w+)\.service$/.test(unit);
}

/** Two enforcers would book and cut the same users, each with half of the picture. */
export function lookForOthers({ host, settings, daemon, processes }: Case): Finding[] {
  const check = "one-enforcer";
  const others = processes.filter(
    (each) => isEnforcer(each) && each.pid !== daemon?.status.pid && each.pid !== process.pid,
  );
  const same = others.filter((each) => settingsOf(host, each) === settingsPath(settings.path));
  const holder = lockHolder({ host, settings, processes });
  const findings = [
    ...same.map(({ pid }) =>
      problem(
        check,
        daemon
          ? `another enforcer with the same settings runs (pid ${pid}) and waits for this one's end`
          : `an enforcer runs (pid ${pid}) and does not answer`,
        daemon ? `end one of them: systemctl status ${pid} tells who started it` : "restart it",
      ),
    ),
    ...others
      .filter((each) => !same.includes(each))
      .map(({ pid, argv }) =>
        warning(
          check,
          `another enforcer runs with settings of its own (pid ${pid}: ${argv.slice(-3).join(" ")})`,
          "two on one engine or one kernel take each other's figures: keep one",
        ),
      ),
  ];
  if (holder !== undefined && holder !== daemon?.status.pid && !same.some(({ pid }) => pid === holder)) {
    findings.push(
      problem(
        check,
        `pid ${holder} holds the state in ${settings.stateDirectory} and is not the daemon that answers`,
        "end it, or restart it",
      ),
    );
  }
  return findings.length > 0 ? findings : [ok(check, daemon ? "it is the only one" : "no other runs")];
}

function isEnforcer({ exe, argv }: ProcessFacts): boolean {
  if (!isNode({ exe, argv })) return false;
  const words = argv.slice(1);
  return words.includes("enforce") && words.some((word) => /(?:^|\/)(?:cli\.[jt]s|sluice)$/.test(word));
}

function isNode(process: Pick<ProcessFacts, "exe" | "argv">): boolean {
  return /^(?:node|sluice)/.test(programOf(process));
}

function settingsOf(host: Pick<Case["host"], "link">, { pid, argv }: ProcessFacts): string {
  const at = argv.findIndex((word) => word === "--config" || word.startsWith("--config="));
  if (at < 0) return settingsPath(undefined);
  const named = argv[at]?.includes("=") ? argv[at]?.slice("--config=".length) : argv[at + 1];
  return resolve(host.link(`/proc/${pid}/cwd`) ?? "/", named ?? "");
}

function settingsPath(path: string | undefined): string {
  return path === undefined ? "/etc/myvpn/sluice.json" : resolve(path);
}

/** By the kernel's list of locks (proc_locks(5)): "1: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE 0 EOF". */
function lockHolder({
  host,
  settings,
  processes,
}: Pick<Case, "host" | "settings" | "processes">): number | undefined {
  const inode = host.stat(join(usageOf(settings), ".lock"))?.ino;
  if (inode === undefined) return undefined;
  for (const line of (host.read("/proc/locks") ?? "").split("\n")) {
    const [, pid, found] = /^\d+: FLOCK +ADVISORY +WRITE (\d+) [0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line) ?? [];
    // Another file system may have a file of that number, and its own lock on it: whose programs are none of ours.
    const holder = processes.find((each) => each.pid === Number(pid));
    if (Number(found) === inode && holder && isNode(holder)) return holder.pid;
  }
  return undefined;
}
