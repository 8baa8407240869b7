/**
 * What an import shows before it asks: what would change, what is not taken and
 * why, and what an operator must know of it.
 */
import { printable } from "../../log.ts";
import { formatSize } from "../../sizes.ts";
import type { LegacyPlan, PlannedAccount } from "../../storage/legacy/legacy-plan.ts";
import type { Refusal } from "../../storage/legacy/legacy-text.ts";
import { clipped } from "../terminal/cells.ts";
import { tableText } from "./columns.ts";

/** Cells of a line that is shown. */
const LONGEST_TEXT = 40;

export interface Proposal {
  readonly directory: string;
  readonly plan: LegacyPlan;
  /** Lines of hosts that go into the list. */
  readonly hosts: readonly string[];
  readonly hostRefusals: readonly Refusal[];
  /** The settings file, and what limits count; `written` if the file is to be changed. */
  readonly count: { readonly path: string; readonly count: string; readonly written: boolean };
  /** Whether usage was asked for. */
  readonly usage: boolean;
  /** What could not be looked at. */
  readonly notes: readonly string[];
  /** What happens to an SSH login at its total limit. */
  readonly onLimit: "delete" | "lock" | "cut" | undefined;
}

export function proposalText(proposal: Proposal): string {
  const { plan, usage } = proposal;
  const sections = [
    plan.accounts.length === 0 ? "" : accountsTable(plan.accounts, usage, proposal.onLimit),
    notTaken([...plan.refusals, ...proposal.hostRefusals]),
    notesOf(proposal).join("\n"),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function accountsTable(
  accounts: readonly PlannedAccount[],
  usage: boolean,
  onLimit: Proposal["onLimit"],
): string {
  const used = usage ? [{ title: "USED", align: "right" } as const] : [];
  return tableText(
    [
      { title: "USER", align: "left", widest: 32 },
      { title: "TYPE", align: "left" },
      { title: "LIMIT", align: "right" },
      ...used,
      { title: "IN SLUICE", align: "right" },
      { title: "WHAT IS DONE", align: "left" },
    ],
    accounts.map((account) => [
      account.name,
      account.type ?? "-",
      account.total === undefined ? "-" : sizeText(account.total),
      ...(usage ? [account.used === undefined ? "-" : formatSize(account.used)] : []),
      account.now === undefined ? "new" : sizeText(account.now.limits.total),
      whatIsDone(account, onLimit),
    ]),
  );
}

/** Words for one account. */
export function whatIsDone(
  { total, used, disabled, now, enrolSsh, cuts }: PlannedAccount,
  onLimit: Proposal["onLimit"],
): string {
  const before = now?.imported?.total;
  return [
    total === undefined
      ? []
      : [before === undefined ? "limit set" : `limit changed, it was ${sizeText(before)}`],
    used === undefined ? [] : ["usage taken"],
    disabled === undefined ? [] : [disabled ? "disabled" : "enabled"],
    enrolSsh && onLimit === "delete" ? ["his login is deleted at it"] : [],
    enrolSsh && onLimit === "lock" ? ["his login is locked at it"] : [],
    cuts && disabled !== true ? ["over it already: cut at once"] : [],
  ]
    .flat()
    .join(", ");
}

/** By file: a table of long paths and reasons would be wider than any terminal. */
export function notTaken(refusals: readonly Refusal[], part: "line" | "entry" = "line"): string {
  const byFile = Map.groupBy(refusals, ({ file }) => file);
  const lines = [...byFile].flatMap(([file, each]) => [
    `  ${printable(file)}`,
    ...each.map(({ line, text, why }) => `    ${printable([placeOf(part, line, text), why].join(": "))}`),
  ]);
  return lines.length === 0 ? "" : ["Not taken:", ...lines].join("\n");
}

function placeOf(part: string, line: number, text: string): string {
  const place = line > 0 ? `${part} ${line}` : "the file";
  return text === "" ? place : `${place}, "${clipped(text, LONGEST_TEXT)}"`;
}

function notesOf({ plan, hosts, count, usage, notes, onLimit }: Proposal): string[] {
  const { accounts, unchanged } = plan;
  const some = (condition: boolean, ...lines: readonly string[]) => (condition ? lines : []);
  return [
    ...some(unchanged > 0, `${unchanged} accounts are as the files say, or were taken as they say before.`),
    ...some(
      hosts.length > 0,
      `${hosts.length} hosts go into the list of captured hosts, with their own times.`,
    ),
    ...some(
      accounts.some(({ enrolSsh }) => enrolSsh) && onLimit === "delete",
      "SSH logins are deleted at their limit, as the old scripts did (ssh.on_limit); those over it already are only cut.",
    ),
    ...some(
      accounts.some(({ disabled, type }) => disabled === true && type !== "ssh"),
      "The disabled ones are cut now: the old scripts noted that of Xray users, and let them in.",
    ),
    ...some(
      usage,
      "USED is what the old files say (bw-usage + bw-last-stats). It is often far too much: whenever Xray did not answer, the scripts counted again what they had counted.",
      "Whoever gets it is cut at his limit, never deleted, until sluice limit set NAME SIZE confirms the limit.",
    ),
    ...some(
      count.written,
      `In ${count.path}: "count": "${count.count}". ${soldAs(count.count)} --count both, uplink or downlink chooses.`,
    ),
    ...some(!count.written, `Limits count ${count.count}, as ${count.path} says.`),
    ...notes,
  ];
}

function soldAs(count: string): string {
  if (count === "both") return "Limits count both directions.";
  const [counted, free] = count === "uplink" ? ["uploads", "downloads"] : ["downloads", "uploads"];
  return `The old limits were sold for ${counted} alone, so ${free} stay free.`;
}

/** A limit. */
export function sizeText(size: number): string {
  return size === 0 ? "unlimited" : formatSize(size as Parameters<typeof formatSize>[0]);
}
