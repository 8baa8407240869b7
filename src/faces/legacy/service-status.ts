/**
 * `cek-bw-limit status`: what menu item 9 always told. The service as systemd
 * has it, the engines as the daemon finds them, the files with their entries.
 */
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Settings } from "../../config.ts";
import { codeOf, reasonOf } from "../../errors.ts";
import { printable } from "../../log.ts";
import { daemonDesk } from "../cli/access.ts";
import { settingsFor } from "../cli/settings-for.ts";
import { type Palette, paletteFor } from "../terminal/palette.ts";

/** The daemon's unit, which has the old service's name. */
const UNIT = "bw-limit-check.service";
/** What the old scripts kept: `sluice import legacy` reads them, and nobody else any more. */
const OLD_FILES = ["bw-limit", "bw-usage", "bw-last-stats", "bw-disabled"].map(
  (name) => `/etc/xray/${name}.conf`,
);
const SYSTEMCTL_MS = 10_000;

type Row = readonly [label: string, value: string];

export async function showService(options: { readonly config?: string }): Promise<void> {
  const settings = await settingsFor(options);
  const palette = paletteFor(process.stdout, process.env);
  const rows = [
    ...(await serviceRows(palette)),
    ...(await engineRows(settings, palette)),
    ...(await fileRows(settings)),
  ];
  const widest = Math.max(...rows.map(([label]) => label.length));
  process.stdout.write(rows.map(([label, value]) => `${label.padEnd(widest)} : ${value}\n`).join(""));
}

async function serviceRows(palette: Palette): Promise<Row[]> {
  const unit = await unitState(UNIT);
  const labels = ["Service File", "Service Status", "Auto-start"] as const;
  if (typeof unit === "string") return labels.map((label) => [label, palette.yellow(`UNKNOWN (${unit})`)]);
  const { file, active, enabled } = unit;
  return [
    [labels[0], word(file, "EXISTS", "NOT FOUND", palette)],
    [labels[1], word(active, "RUNNING", "NOT RUNNING", palette)],
    [labels[2], word(enabled, "ENABLED", "DISABLED", palette)],
  ];
}

async function engineRows(settings: Settings, palette: Palette): Promise<Row[]> {
  const daemon = await daemonDesk(settings);
  using _client = daemon?.client;
  const units: Row[] = [];
  const apis: Row[] = [];
  for (const { name, service } of settings.xray) {
    const of = settings.xray.length > 1 ? ` (${name})` : "";
    if (service !== null) {
      const unit = await unitState(service);
      const state =
        typeof unit === "string"
          ? palette.yellow(`UNKNOWN (${unit})`)
          : word(unit.active, "RUNNING", "NOT RUNNING", palette);
      units.push([`Xray Service${of}`, state]);
    }
    const source = daemon?.status.sources.find((each) => each.name === name);
    const trouble =
      source?.trouble || (daemon ? "not asked yet" : "nobody asks it: the daemon is not running");
    apis.push([
      `Xray API${of}`,
      source?.answering ? palette.green("ACCESSIBLE") : palette.red(`NOT ACCESSIBLE (${printable(trouble)})`),
    ]);
  }
  return [...units, ...apis];
}

/** Those of the old scripts only where they are left. */
async function fileRows({ stateDirectory, path }: Settings): Promise<Row[]> {
  const usage = join(stateDirectory, "usage");
  const accounts = await countOf(async () =>
    (await readdir(usage)).filter((name) => /^[^.].*\.json$/.test(name) && name !== "keepers.json"),
  );
  const old = await Promise.all(
    OLD_FILES.map(async (file) => [file, await countOf(() => entriesIn(file))] as const),
  );
  return [
    ["Settings", path ?? "none: every default holds"],
    [usage, accounts === undefined ? "MISSING" : `EXISTS (${accounts} entries)`],
    ...old
      .filter(([, count]) => count !== undefined)
      .map(([file, count]): Row => [file, `EXISTS (${count} entries, not used any more)`]),
  ];
}

/** Undefined where there is no such file or folder. */
async function countOf(read: () => Promise<readonly unknown[]>): Promise<number | undefined> {
  try {
    return (await read()).length;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function entriesIn(path: string): Promise<readonly string[]> {
  return (await readFile(path, "latin1")).split("\n").filter((line) => /^\s*[^\s#]/.test(line));
}

interface UnitState {
  readonly file: boolean;
  readonly active: boolean;
  readonly enabled: boolean;
}

/** @returns why nothing is known, where systemd cannot be asked. */
async function unitState(unit: string): Promise<UnitState | string> {
  const properties = ["FragmentPath", "ActiveState", "UnitFileState"].map((name) => `--property=${name}`);
  try {
    const { stdout } = await promisify(execFile)("systemctl", ["show", ...properties, "--", unit], {
      timeout: SYSTEMCTL_MS,
    });
    return {
      file: /^FragmentPath=./m.test(stdout),
      active: /^ActiveState=active$/m.test(stdout),
      enabled: /^UnitFileState=enabled(?:-runtime)?$/m.test(stdout),
    };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "there is no systemctl on this host";
    return printable(reasonOf(error).trim().split("\n").at(-1) ?? "");
  }
}

function word(is: boolean, yes: string, no: string, palette: Palette): string {
  return is ? palette.green(yes) : palette.red(no);
}
