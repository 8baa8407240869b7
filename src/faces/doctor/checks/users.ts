/**
 * What concerns the accounts themselves: by what each is stopped, and which names
 * are one account, or look as if they were.
 *
 * Pure: no clock, no I/O.
 */
import type { UserRow } from "../../../control/rows.ts";
import { type Finding, ok, problem, someOf, warning } from "../finding.ts";

/** Accounts that no gate stops, together where the reason is the same. */
export function judgeStops(rows: readonly UserRow[]): Finding[] {
  const check = "stops";
  const short = rows.flatMap(({ name, stops }) => stops.map((stop) => ({ name, ...stop })));
  const groups = Map.groupBy(
    short.filter(({ step }) => step !== "gate"),
    ({ keeper, step, text }) => JSON.stringify([keeper, step, text]),
  );
  if (groups.size === 0) {
    return [ok(check, `all ${rows.length} accounts are stopped by a gate in the kernel at their limit`)];
  }
  return [...groups.values()].map((group) => {
    const [{ keeper, step, text }] = group as [(typeof group)[number]];
    const names = someOf(group.map(({ name }) => name));
    if (step === "cut") return warning(check, `${keeper}: ${names}: cut at the limit (${text})`, "");
    const meant = text === "Sluice observes" || text.startsWith("only metered");
    return (meant ? warning : problem)(
      check,
      `${keeper}: ${names}: only reported at the limit (${text})`,
      "",
    );
  });
}

/** What is known of a name without a daemon, too. */
export interface KnownName {
  readonly name: string;
  /** "xray", "ssh", "openvpn". */
  readonly services: readonly string[];
  /** Services whose part in the account was asked for by a limit. */
  readonly enrolled: readonly string[];
}

/** One account for a user of an engine and a login who only happen to share a name. */
export function judgeSharedNames(names: readonly KnownName[]): Finding[] {
  const check = "names-shared";
  const shared = names.filter(({ services, enrolled }) => services.length > 1 && enrolled.length === 0);
  if (shared.length === 0) return [ok(check, "no account is shared by accident")];
  const [first = ""] = shared.map(({ name }) => name);
  return [
    warning(
      check,
      `the same name at several services is one account with one quota, and nobody has said so yet: ${someOf(shared.map(({ name, services }) => `${name} (${services.join(" and ")})`))}`,
      `if it is one person, sluice limit set ${first} SIZE says so; if not, give one of them another name`,
    ),
  ];
}

/** Accounts whose names differ by case, a domain or a number in front: two quotas for what may be one person. */
export function judgeAlikeNames(names: readonly KnownName[]): Finding[] {
  const check = "names-alike";
  const groups = [...Map.groupBy(names, ({ name }) => stemOf(name)).entries()]
    .filter(([stem, group]) => stem !== "" && group.length > 1)
    .map(([, group]) => group.map(({ name }) => name).sort());
  if (groups.length === 0) return [ok(check, "no two accounts have names that look like one person's")];
  const [[first = "", second = ""] = []] = groups;
  return [
    warning(
      check,
      `these are accounts of their own, each with its own quota: ${someOf(groups.map((group) => group.join(" and ")))}`,
      `if they are one person, say "aliases": {${JSON.stringify(second)}: ${JSON.stringify(first)}} in the settings`,
    ),
  ];
}

/** "joe" of "joe", "Joe", "joe@example.com", "1.joe" and "12.joe@x". */
function stemOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/@.*$/s, "")
    .replace(/^\d+\./, "");
}
