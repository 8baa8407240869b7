/** A host made of a few files in a folder of its own: what the doctor's checks look at instead of this machine. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { parseSettings, type Settings } from "../../src/config.ts";
import type { Case } from "../../src/faces/doctor/case.ts";
import { Host } from "../../src/faces/doctor/host.ts";
import { processTable } from "../../src/faces/doctor/process-table.ts";
import { unixTime } from "../../src/units.ts";

/** A file's content, a link's target, or a folder; with the permission bits it is to have. */
export type Entry =
  | string
  | { readonly link: string }
  | { readonly text: string; readonly mode: number }
  | { readonly folder: number };

export type Tree = Readonly<Record<string, Entry>>;

/** Gone when the test ends. @param tree paths of the host's, from "/". Programs are looked for in its /bin alone. */
export function scratchHost(tree: Tree, uid = 0): { readonly host: Host; readonly root: string } {
  const root = mkdtempSync(join(tmpdir(), "sluice-doctor-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, entry] of Object.entries(tree)) put(join(root, path), entry);
  return { host: new Host(root, join(root, "bin"), uid), root };
}

/** What is examined: that host, without a daemon and without engines unless they are given. */
export function caseOf(host: Host, input: object = {}, more: Partial<Case> = {}): Case {
  return {
    host,
    settings: settingsOf(input),
    daemon: undefined,
    engines: [],
    processes: processTable(host),
    now: unixTime(Date.UTC(2026, 0, 15)),
    ...more,
  };
}

export function settingsOf(input: object = {}): Settings {
  return parseSettings("/etc/myvpn/sluice.json", input, {}, "UTC");
}

/** A process as /proc tells of it. */
export function processTree(
  pid: number,
  argv: readonly string[],
  {
    exe = argv[0] ?? "",
    uid = 0,
    parent = 1,
    unit,
  }: { readonly exe?: string; readonly uid?: number; readonly parent?: number; readonly unit?: string } = {},
): Tree {
  return {
    [`/proc/${pid}/cmdline`]: `${argv.join("\0")}\0`,
    [`/proc/${pid}/status`]: `Name:\tx\nPPid:\t${parent}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`,
    [`/proc/${pid}/exe`]: { link: exe },
    [`/proc/${pid}/cgroup`]: `0::${unit === undefined ? "/user.slice/session-1.scope" : `/system.slice/${unit}`}\n`,
  };
}

/** A program that prints something, without quotes, and ends; it finds no other programs. */
export function stub(prints: string, status = 0): Entry {
  return { text: `#!/bin/sh\nprintf '%s\\n' '${prints}'\nexit ${status}\n`, mode: 0o755 };
}

function put(path: string, entry: Entry): void {
  mkdirSync(dirname(path), { recursive: true });
  if (typeof entry === "string") writeFileSync(path, entry);
  else if ("link" in entry) symlinkSync(entry.link, path);
  else if ("folder" in entry) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, entry.folder);
  } else {
    writeFileSync(path, entry.text);
    chmodSync(path, entry.mode);
  }
}
