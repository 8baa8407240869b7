/** The benches' one table: a row per measurement, its ratio first, and whether it meets its target. */
import { tableText } from "../../src/faces/cli/columns.ts";

export interface Row {
  readonly what: string;
  /** Compared with something measured beside it: that is what holds on other machines too. */
  readonly ratio: string;
  /** The figures themselves, with units. */
  readonly figures: string;
  /** Undefined where a row is only told. */
  readonly target?: { readonly text: string; readonly met: boolean };
}

export function tableOf(rows: readonly Row[]): string {
  const left = (title: string) => ({ title, align: "left" as const });
  return tableText(
    [left("MEASURED"), left("RATIO"), left("FIGURES"), left("TARGET"), left("MET")],
    rows.map(({ what, ratio, figures, target }) => [
      what,
      ratio,
      figures,
      target?.text ?? "",
      target === undefined ? "" : target.met ? "met" : "NOT MET",
    ]),
  );
}

/** "1,234"; "1.2" with one decimal. */
export function number(value: number, decimals = 0): string {
  return value.toLocaleString("en", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
    signDisplay: "negative",
  });
}
