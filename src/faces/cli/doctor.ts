/** `doctor`: looks at everything that counting, cutting and capturing rest on, and puts right what is safe to. */
import { RefusedRequestError } from "../../errors.ts";
import { printable } from "../../log.ts";
import { type ChangeText, changeText } from "../doctor/change.ts";
import { GROUPS } from "../doctor/checks.ts";
import { type Examined, examine } from "../doctor/examine.ts";
import { fixesPath } from "../doctor/fix-record.ts";
import { thisHost } from "../doctor/host.ts";
import { openCase } from "../doctor/open-case.ts";
import { fixAll, type Outcome, type Repair, undoAll } from "../doctor/repair.ts";
import { countLevels, reportText, totalsText } from "../doctor/report.ts";
import { paletteFor } from "../terminal/palette.ts";
import { agreementTo, canAsk } from "./consent.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

export interface DoctorOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly fix?: boolean;
  readonly undo?: boolean;
  readonly yes?: boolean;
}

/** Exit status 1 when a problem is left, or a fix failed. */
export async function showDoctor(options: DoctorOptions): Promise<void> {
  const settings = await settingsFor(options);
  const host = thisHost();
  const repair: Repair = {
    host,
    timeZone: settings.timeZone,
    record: fixesPath(settings),
    agree: (text, verb) => agreed(text, verb, options),
    now: () => new Date(),
  };
  if (options.undo) {
    refuseUnasked(options);
    return tellUndone(await undoAll(repair), options);
  }
  const look = async () => examine(await openCase(host, settings), GROUPS);
  const found = await look();
  if (!options.fix) return tell(found, [], options);
  if (!options.json) say(textOf(found));
  refuseUnasked(options);
  const outcomes = await fixAll(findingsIn(found), repair);
  if (!options.json && outcomes.length === 0) return say("Nothing to fix.");
  tell(await look(), outcomes, options);
}

function tell(examined: readonly Examined[], outcomes: readonly Outcome[], options: DoctorOptions): void {
  const findings = findingsIn(examined);
  if (countLevels(findings).problem > 0 || outcomes.some(({ trouble }) => trouble !== ""))
    process.exitCode = 1;
  const value = {
    findings: examined.flatMap(({ title, findings: found }) =>
      found.map(({ fix, ...finding }) => ({ group: title, ...finding, fix: fix ? changeText(fix) : null })),
    ),
    totals: countLevels(findings),
    ...(options.fix && { fixed: outcomes }),
  };
  answer(options, value, () =>
    options.fix
      ? [...outcomes.map((outcome) => outcomeText(outcome, "done")), `Now: ${totalsText(findings)}`].join(
          "\n",
        )
      : textOf(examined),
  );
}

function tellUndone(outcomes: readonly Outcome[], options: DoctorOptions): void {
  if (outcomes.some(({ trouble }) => trouble !== "")) process.exitCode = 1;
  answer(options, { undone: outcomes }, () =>
    outcomes.length === 0
      ? "Nothing to undo: no fix of the doctor's stands."
      : outcomes.map((outcome) => outcomeText(outcome, "taken back")).join("\n"),
  );
}

function outcomeText({ what, done, trouble }: Outcome, word: "done" | "taken back"): string {
  const state = done ? word : trouble === "" ? "left" : `failed: ${trouble}`;
  return printable(`${state}: ${what}`);
}

function textOf(examined: readonly Examined[]): string {
  return reportText(examined, paletteFor(process.stdout, process.env), printable);
}

function findingsIn(examined: readonly Examined[]) {
  return examined.flatMap(({ findings }) => findings);
}

/** @throws {RefusedRequestError} where nobody can be asked, or nothing can be changed. */
function refuseUnasked({ yes, json }: DoctorOptions): void {
  if (process.geteuid?.() !== 0) throw new RefusedRequestError("Cannot change anything: it takes root");
  if (yes || canAsk({ json: json === true })) return;
  throw new RefusedRequestError("Cannot change anything: expected --yes, since nobody can be asked here");
}

/**
 * Anything but y is a no.
 *
 * @throws {Error} at Ctrl-C and at the end of the input: then nothing more is asked.
 */
async function agreed(
  { what, undo }: ChangeText,
  verb: "fix" | "undo",
  { yes, json }: DoctorOptions,
): Promise<boolean> {
  const [done, back] = verb === "fix" ? ["Fix", "to undo it (sluice doctor --undo)"] : ["Undo of", "it will"];
  if (!json) say(`\n${done}: ${printable(what)}\n  ${back}: ${printable(undo)}`);
  if (yes) return true;
  const agreed = await agreementTo("Do it?");
  if (agreed !== undefined) return agreed;
  say("");
  throw new Error("Stopped at the question; what was done before it stands");
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
