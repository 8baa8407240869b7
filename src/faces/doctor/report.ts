/**
 * The findings as a person reads them: one line each, below the title of their group.
 *
 * Pure: no clock, no I/O.
 */
import type { Palette } from "../terminal/palette.ts";
import type { Examined } from "./examine.ts";
import type { Finding, Level } from "./finding.ts";

/** @param clean makes a text fit to be shown: names in it come from anywhere. */
export function reportText(
  examined: readonly Examined[],
  palette: Palette,
  clean: (text: string) => string,
): string {
  const groups = examined.filter(({ findings }) => findings.length > 0);
  return [
    ...groups.flatMap(({ title, findings }) => [
      palette.bold(title),
      ...findings.map((finding) => lineOf(finding, palette, clean)),
      "",
    ]),
    totalsText(examined.flatMap(({ findings }) => findings)),
  ].join("\n");
}

function lineOf(
  { level, text, advice, fix }: Finding,
  palette: Palette,
  clean: (text: string) => string,
): string {
  const colour = { ok: palette.green, warning: palette.yellow, problem: palette.red }[level];
  const word = colour(level) + " ".repeat(LONGEST_LEVEL - level.length);
  const todo = advice === "" ? "" : ` -> ${advice}${fix ? " (--fix does it)" : ""}`;
  return `  ${word}  ${clean(`${text}${todo}`)}`;
}

const LONGEST_LEVEL = "warning".length;

export function totalsText(findings: readonly Finding[]): string {
  const { ok, warning, problem } = countLevels(findings);
  const fixable = findings.filter(({ fix }) => fix !== undefined).length;
  const hint = fixable === 0 ? "" : `; sluice doctor --fix can put ${fixable} of them right`;
  return `${ok} ok, ${counted(warning, "warning")}, ${counted(problem, "problem")}${hint}`;
}

export function countLevels(findings: readonly Finding[]): Readonly<Record<Level, number>> {
  const of = (wanted: Level) => findings.filter(({ level }) => level === wanted).length;
  return { ok: of("ok"), warning: of("warning"), problem: of("problem") };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
