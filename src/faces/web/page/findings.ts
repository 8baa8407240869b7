/**
 * What `sluice doctor --json` said, read back.
 *
 * Pure: no clock, no I/O.
 */

export type Level = "ok" | "warning" | "problem";

export interface FindingGroup {
  readonly title: string;
  readonly findings: readonly ShownFinding[];
}

export interface ShownFinding {
  readonly level: Level;
  /** What is. */
  readonly text: string;
  /** What to do; "" when nothing has to be done. */
  readonly advice: string;
  /** `sluice doctor --fix` can do it. */
  readonly fixable: boolean;
}

const LEVELS: readonly Level[] = ["problem", "warning", "ok"];

/**
 * By their groups, what is worst first in each.
 *
 * @param json "" before the doctor has looked.
 * @returns undefined where this is no answer of a doctor that we know.
 */
export function findingGroups(json: string): readonly FindingGroup[] | undefined {
  if (json === "") return [];
  const told = parsed(json);
  const list = isRecord(told) ? told["findings"] : undefined;
  if (!Array.isArray(list)) return undefined;
  const groups = new Map<string, ShownFinding[]>();
  for (const one of list as readonly unknown[]) {
    const finding = isRecord(one) ? findingOf(one) : undefined;
    if (!finding) return undefined;
    const { group, ...shown } = finding;
    groups.set(group, [...(groups.get(group) ?? []), shown]);
  }
  return [...groups].map(([title, findings]) => ({
    title,
    findings: findings.toSorted((one, other) => LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level)),
  }));
}

/** How many there are of each level. */
export function levelCounts(groups: readonly FindingGroup[]): Readonly<Record<Level, number>> {
  const all = groups.flatMap(({ findings }) => findings);
  const of = (wanted: Level) => all.filter(({ level }) => level === wanted).length;
  return { ok: of("ok"), warning: of("warning"), problem: of("problem") };
}

function findingOf({ group, level, text, advice, fix }: Readonly<Record<string, unknown>>) {
  const known = LEVELS.find((one) => one === level);
  if (!known || typeof group !== "string" || typeof text !== "string") return undefined;
  return {
    group,
    level: known,
    text,
    advice: typeof advice === "string" ? advice : "",
    fixable: isRecord(fix),
  };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
