/**
 * What an installation is about to do, for the person who is asked.
 *
 * Pure: no clock, no I/O.
 */
import { PROGRAM, SETTINGS } from "./layout.ts";
import type { Step } from "./plan.ts";
import { ASIDE } from "./record-types.ts";

export interface ProposalFigures {
  readonly version: string;
  /** The one that is there; undefined where none is. */
  readonly before: string | undefined;
  readonly node: string;
  /** How that Node came here: one sentence. */
  readonly nodeOrigin: string;
  /** Undefined where the program is as it should be. */
  readonly program: { readonly files: number; readonly bytes: number; readonly aside: boolean } | undefined;
  readonly settings: "keep" | "observe" | "enforce";
  readonly steps: readonly Step[];
  readonly asides: readonly string[];
  readonly dropped: readonly string[];
  readonly changed: readonly string[];
  /** Where changed files of the program are kept. */
  readonly kept: string;
  readonly running: readonly string[];
  readonly starts: readonly string[];
  /** Why nothing is started; "" where it is. */
  readonly notStarted: string;
}

export function proposalText(figures: ProposalFigures): string {
  const { version, before, program, settings, steps, asides, dropped, changed, running, starts } = figures;
  const lines = [
    before === undefined
      ? `Sluice ${version} will be installed:`
      : before === version
        ? `Sluice ${version} is here; this will be put right:`
        : `Sluice ${version} will take the place of ${before}:`,
    ...(program
      ? [`  0755 ${PROGRAM}/ (${program.files} files, ${Math.ceil(program.bytes / 2 ** 20)} MB)`]
      : []),
    ...(program?.aside ? [`       what is there now becomes ${PROGRAM}${ASIDE}`] : []),
    ...changed.map((path) => `       ${path} was changed by hand; your copy goes below ${figures.kept}`),
    ...steps.flatMap(stepText),
    ...(settings === "keep" ? [] : [`  0644 ${SETTINGS} (mode "${settings}")`]),
    ...asides.map((path) => `  move ${path} to ${path}${ASIDE}`),
    ...dropped.map((path) => `  take ${path} away: this version has no such file`),
    `Node: ${figures.node}. ${figures.nodeOrigin}`,
    ...(figures.notStarted === ""
      ? [
          ...(running.length > 0 ? [`Stopped first: ${running.join(", ")}`] : []),
          `Started now and at boot: ${starts.join(", ") || "nothing"}`,
        ]
      : [figures.notStarted]),
  ];
  return `${lines.join("\n")}\n`;
}

function stepText(step: Step): string[] {
  if (step.kind === "keep") return [];
  const { wanted, moved } = step;
  const name =
    wanted.kind === "link"
      ? `link ${wanted.path} -> ${wanted.target}`
      : `${octal(wanted.mode)} ${wanted.path}${wanted.kind === "folder" ? "/" : ""}`;
  return [`  ${name}`, ...(moved === undefined ? [] : [`       what is there now becomes ${moved}`])];
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
