/**
 * systemd's services as their files tell: what they start, and whether at boot.
 * Read from the disk, since that costs no process and works where systemd does not run.
 */
import type { Host } from "./host.ts";

export interface UnitFile {
  /** "xray.service". */
  readonly unit: string;
  readonly path: string;
  /** What ExecStart and its like run, drop-ins aside. */
  readonly commands: readonly string[];
  /** Whether something at boot asks for it. */
  readonly enabled: boolean;
}

/** The first that has a unit wins (systemd.unit(5)). */
const FOLDERS = [
  "/etc/systemd/system",
  "/run/systemd/system",
  "/usr/local/lib/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
];

export function unitFiles(host: Host): readonly UnitFile[] {
  const wanted = wantedUnits(host);
  const found = new Map<string, UnitFile>();
  for (const folder of FOLDERS) {
    for (const unit of host.entries(folder)) {
      if (!/^[\w@.\\:-]+\.service$/.test(unit) || found.has(unit)) continue;
      const path = `${folder}/${unit}`;
      if (host.link(path) === "/dev/null" || !host.stat(path)?.isFile()) continue;
      found.set(unit, { unit, path, commands: commandsIn(host.read(path) ?? ""), enabled: wanted.has(unit) });
    }
  }
  return [...found.values()];
}

/** Linked into some target's folder, which is what "enabled" means. */
function wantedUnits(host: Host): ReadonlySet<string> {
  const folders = FOLDERS.flatMap((folder) =>
    host
      .entries(folder)
      .filter((name) => /\.(?:wants|requires|upholds)$/.test(name))
      .map((name) => `${folder}/${name}`),
  );
  return new Set(folders.flatMap((folder) => host.entries(folder)));
}

/** Lines that end in a backslash go on in the next. */
function commandsIn(text: string): string[] {
  const lines = text.replaceAll("\\\n", " ").split("\n");
  return lines.flatMap((line) => /^\s*ExecStart(?:Pre|Post)?\s*=\s*[-@:+!]*(.+)$/.exec(line)?.[1] ?? []);
}
