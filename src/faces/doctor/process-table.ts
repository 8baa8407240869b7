/** All processes of the host at one moment, with what tells old scripts, panels and engines apart. */
import { basename } from "node:path";
import { codeOf } from "../../errors.ts";
import type { Host } from "./host.ts";

export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** As whom it opens files. */
  readonly uid: number;
  /** Its program's path; undefined for one that may not be looked at. */
  readonly exe: string | undefined;
  /** What it was started with, program first. The process can rewrite it. */
  readonly argv: readonly string[];
  /** The systemd unit it runs in; undefined outside of any. */
  readonly unit: string | undefined;
}

/** Those with a command line: neither threads of the kernel nor zombies. */
export function processTable(host: Host): readonly ProcessFacts[] {
  return host
    .entries("/proc")
    .flatMap((name) => (/^\d+$/.test(name) ? (factsOf(host, Number(name)) ?? []) : []));
}

/** The program's name without its folder, or what the process calls itself. */
export function programOf({ exe, argv }: Pick<ProcessFacts, "exe" | "argv">): string {
  return basename(exe ?? argv[0] ?? "");
}

/** The environment it was started with; undefined where it may not be seen or the process is gone. */
export function environmentOf(host: Host, pid: number): ReadonlyMap<string, string> | undefined {
  const text = unlessHidden(() => host.read(`/proc/${pid}/environ`));
  if (text === undefined) return undefined;
  const entries = text.split("\0").filter((entry) => entry.includes("="));
  return new Map(
    entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

function factsOf(host: Host, pid: number): ProcessFacts | undefined {
  const cmdline = unlessHidden(() => host.read(`/proc/${pid}/cmdline`));
  if (cmdline === undefined || cmdline === "") return undefined;
  const status = unlessHidden(() => host.read(`/proc/${pid}/status`)) ?? "";
  const cgroup = unlessHidden(() => host.read(`/proc/${pid}/cgroup`)) ?? "";
  return {
    pid,
    parent: Number(/^PPid:\t(\d+)$/m.exec(status)?.[1] ?? 0),
    uid: Number(/^Uid:\t\d+\t(\d+)/m.exec(status)?.[1] ?? -1),
    exe: unlessHidden(() => host.link(`/proc/${pid}/exe`))?.replace(/ \(deleted\)$/, ""),
    argv: cmdline.replace(/\0$/, "").split("\0"),
    unit: /\/([^/\n]+\.service)(?:\/[^\n]*)?$/m.exec(cgroup)?.[1],
  };
}

function unlessHidden<Answer>(look: () => Answer): Answer | undefined {
  try {
    return look();
  } catch (error) {
    if (["EACCES", "EPERM"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
