/**
 * Scripts that this host runs of itself: from cron, as systemd units, right now.
 * What they do is told by their text.
 */

import { cronJobs } from "./cron-jobs.ts";
import type { Host } from "./host.ts";
import type { ProcessFacts } from "./process-table.ts";
import { unitFiles } from "./unit-files.ts";

export interface ScriptInUse {
  /** Who runs it: "/etc/cron.d/quota", "quota-vmess.service", "pid 4711". */
  readonly user: string;
  /** Its file; undefined where the text is the command itself. */
  readonly path: string | undefined;
  readonly text: string;
}

const FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"];
/** Beginnings are enough; a program that is no script is told by its first bytes. */
const LONGEST = 256 << 10;

export function scriptsInUse(host: Host, processes: readonly ProcessFacts[]): readonly ScriptInUse[] {
  const commands = [
    ...cronJobs(host).map(({ file, command }) => ({ user: file, command })),
    ...unitFiles(host)
      .filter(({ enabled }) => enabled)
      .flatMap(({ unit, commands: words }) => words.map((command) => ({ user: unit, command }))),
    ...processes.map(({ pid, argv }) => ({ user: `pid ${pid}`, command: argv.join(" ") })),
  ];
  const texts = new Map<string, string | undefined>();
  return commands.flatMap(({ user, command }) => [
    { user, path: undefined, text: command },
    ...filesIn(command).flatMap((path) => {
      if (!texts.has(path)) texts.set(path, scriptAt(host, path));
      const text = texts.get(path);
      return text === undefined ? [] : [{ user, path, text }];
    }),
  ]);
}

/** Where the command's first words may lead: the program, and what a shell is given. */
function filesIn(command: string): string[] {
  const words = command.split(/[\s;|&'"()]+/).filter((word) => /^[\w./@+-]+$/.test(word));
  return words
    .slice(0, 6)
    .flatMap((word) =>
      word.startsWith("/")
        ? [word]
        : word.includes("/") || word.startsWith("-")
          ? []
          : FOLDERS.map((folder) => `${folder}/${word}`),
    );
}

function scriptAt(host: Host, path: string): string | undefined {
  try {
    const file = host.stat(path);
    if (!file?.isFile() || file.size > LONGEST) return undefined;
    const text = host.read(path);
    return text?.startsWith("#!") ? text : undefined;
  } catch {
    return undefined; // not ours to read
  }
}
