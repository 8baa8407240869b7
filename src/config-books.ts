/** The settings of the books: warnings, account files, aliases, how fast bytes can come. */
import { attempt, field, list, pathOf, type Section, section } from "./config-fields.ts";
import { isWhole, shown, textLike } from "./config-values.ts";
import { type UserName, userName } from "./names.ts";

/** Percentages of a limit, ascending. */
export function readWarnings(root: Section): readonly number[] {
  const percents = list<number>(root, "warn_percent", [80, 95], "whole numbers from 1 to 99", (item) =>
    isWhole(item, 1, 99) ? item : undefined,
  );
  const twin = percents.find((percent, at) => percents.indexOf(percent) < at);
  if (twin !== undefined) root.problems.push(`warn_percent: expected each number once, got ${twin} again`);
  return percents.toSorted((left, right) => left - right);
}

/** Owner reads and writes; group and others read or write in any mix; nobody runs an account file. */
export function readFileMode(root: Section): number {
  const expected = 'an octal text from "0600" to "0666" with even digits';
  return field(root, "usage_file_mode", 0o640, expected, (value) => {
    const text = textLike(value, /^0?6[0246]{2}$/);
    return text === undefined ? undefined : Number.parseInt(text, 8);
  });
}

/** Megabits (10^6 bits) per second. */
export function readLineRate(root: Section): number | "auto" {
  const expected = '"auto" or a whole number from 1 to 1000000';
  return field<number | "auto">(root, "line_rate_mbps", "auto", expected, (value) =>
    value === "auto" || isWhole(value, 1, 1_000_000) ? value : undefined,
  );
}

/** Names that stand for an account of another name. One step only: an alias of an alias has no single meaning. */
export function readAliases(root: Section): ReadonlyMap<UserName, UserName> {
  const input = root.fields["aliases"];
  const names = section(input === undefined ? {} : input, "aliases", "any", root.problems);
  const aliases = new Map<UserName, UserName>();
  for (const [alias, account] of Object.entries(names.fields)) {
    const path = pathOf(names, alias);
    if (typeof account !== "string") {
      root.problems.push(`${path}: expected a user name, got ${shown(account)}`);
    } else if (Object.hasOwn(names.fields, account)) {
      const why = account === alias ? "itself" : "another alias";
      root.problems.push(`${path}: expected the name of an account, got ${shown(account)}, which is ${why}`);
    } else {
      attempt(root, path, aliases, () => aliases.set(userName(alias), userName(account)));
    }
  }
  return aliases;
}
