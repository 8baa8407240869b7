/**
 * Makes the changes that findings ask for, and takes them back: each is shown,
 * agreed to, and on the disk before it is made, so that it can be taken back
 * whatever happens in between.
 */
import { reasonOf } from "../../errors.ts";
import { applyChange, revertChange } from "./apply-change.ts";
import { type ChangeText, changeText } from "./change.ts";
import type { Finding } from "./finding.ts";
import { type Fixed, readFixes, writeFixes } from "./fix-record.ts";
import type { Host } from "./host.ts";

export interface Repair {
  readonly host: Host;
  /** Of hosts.log's times. */
  readonly timeZone: string;
  /** Where fixes are kept. */
  readonly record: string;
  /** Shows a change and asks whether it is to be made. */
  readonly agree: (text: ChangeText, verb: "fix" | "undo") => Promise<boolean>;
  readonly now: () => Date;
}

export interface Outcome extends ChangeText {
  readonly check: string;
  readonly done: boolean;
  /** Why not; "" when it is done or was not wanted. */
  readonly trouble: string;
}

export async function fixAll(findings: readonly Finding[], repair: Repair): Promise<readonly Outcome[]> {
  const { host, timeZone, record, agree, now } = repair;
  const outcomes: Outcome[] = [];
  for (const { check, fix } of findings) {
    if (!fix) continue;
    const text = changeText(fix);
    if (!(await agree(text, "fix"))) {
      outcomes.push({ check, ...text, done: false, trouble: "" });
      continue;
    }
    const before = await readFixes(record);
    const fixed: Fixed = { at: now().toISOString(), check, change: fix };
    await writeFixes(record, [...before, fixed]);
    try {
      await applyChange(fix, host, timeZone);
      outcomes.push({ check, ...text, done: true, trouble: "" });
    } catch (error) {
      await writeFixes(record, before);
      outcomes.push({ check, ...text, done: false, trouble: reasonOf(error) });
    }
  }
  return outcomes;
}

/** The newest first. One that cannot be taken back stays in the record. */
export async function undoAll({ host, record, agree }: Repair): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const fixed of (await readFixes(record)).toReversed()) {
    const { check, change } = fixed;
    const text = changeText(change);
    if (!(await agree(text, "undo"))) {
      outcomes.push({ check, ...text, done: false, trouble: "" });
      continue;
    }
    try {
      await revertChange(change, host);
      const left = await readFixes(record);
      await writeFixes(
        record,
        left.filter((each) => JSON.stringify(each) !== JSON.stringify(fixed)),
      );
      outcomes.push({ check, ...text, done: true, trouble: "" });
    } catch (error) {
      outcomes.push({ check, ...text, done: false, trouble: reasonOf(error) });
    }
  }
  return outcomes;
}
