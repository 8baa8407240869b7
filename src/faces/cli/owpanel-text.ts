/** What `import owpanel` shows before it asks. */
import { localTimeText } from "../../calendar.ts";
import type { TrafficTables } from "../../history/imported.ts";
import type { NotTaken } from "../../history/owpanel-sessions.ts";
import type { LoginRecord } from "../../history/records.ts";
import { formatSize } from "../../sizes.ts";
import type { LegacyPlan, PlannedAccount } from "../../storage/legacy/legacy-plan.ts";
import { bytes, unixTime } from "../../units.ts";
import { tableText } from "./columns.ts";
import { notTaken, sizeText, whatIsDone } from "./import-text.ts";

/** All that was found and is to be done. */
export interface OwpanelProposal {
  /** The stores that were there. */
  readonly found: readonly string[];
  readonly plan: LegacyPlan;
  readonly logins: readonly LoginRecord[];
  readonly traffic: TrafficTables;
  readonly refusals: readonly NotTaken[];
  readonly notes: readonly string[];
  readonly usage: boolean;
}

/** Sessions that are shown; the rest is a number. */
const NEWEST = 10;

export function owpanelText(proposal: OwpanelProposal, zone: string): string {
  const { found, plan, logins, refusals, usage } = proposal;
  const sections = [
    `From ${found.join(", ")}:`,
    plan.accounts.length === 0 ? "" : accountsTable(plan.accounts, usage),
    logins.length === 0 ? "" : sessionsTable(logins, zone),
    notTaken(refusals, "entry"),
    notesOf(proposal).join("\n"),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function accountsTable(accounts: readonly PlannedAccount[], usage: boolean): string {
  return tableText(
    [
      { title: "USER", align: "left", widest: 32 },
      { title: "LIMIT", align: "right" },
      ...(usage ? [{ title: "USED", align: "right" } as const] : []),
      { title: "IN SLUICE", align: "right" },
      { title: "WHAT IS DONE", align: "left" },
    ],
    accounts.map((account) => [
      account.name,
      account.total === undefined ? "-" : sizeText(account.total),
      ...(usage ? [account.used === undefined ? "-" : formatSize(account.used)] : []),
      account.now === undefined ? "new" : sizeText(account.now.limits.total),
      whatIsDone(account, undefined),
    ]),
  );
}

function sessionsTable(logins: readonly LoginRecord[], zone: string): string {
  const newest = logins.toSorted((one, other) => other.began - one.began).slice(0, NEWEST);
  const time = (at: number) => localTimeText(unixTime(at), zone);
  const more = logins.length - newest.length;
  const table = tableText(
    [
      { title: "SESSION OF", align: "left", widest: 32 },
      { title: "FROM", align: "left" },
      { title: "BEGAN", align: "left" },
      { title: "ENDED", align: "left" },
      { title: "UP", align: "right" },
      { title: "DOWN", align: "right" },
    ],
    newest.map(({ account, realAddress, began, ended, up, down }) => [
      account,
      realAddress || "-",
      time(began),
      ended === undefined ? "-" : time(ended),
      formatSize(bytes(up)),
      formatSize(bytes(down)),
    ]),
  );
  return more > 0 ? `${table}\n... and ${more} before them.` : table;
}

function notesOf({ plan, traffic, notes, usage }: OwpanelProposal): string[] {
  const some = (condition: boolean, line: string) => (condition ? [line] : []);
  const sum = traffic.days.reduce((total, { up, down }) => total + up + down, 0);
  const names = new Set(traffic.days.map(({ account }) => account));
  return [
    ...some(
      plan.unchanged > 0,
      `${plan.unchanged} accounts are as the database says, or were taken as it says before.`,
    ),
    ...some(
      sum > 0,
      `Traffic of ${names.size} users goes into the history, in all ${formatSize(bytes(sum))}; limits do not count it.`,
    ),
    ...some(
      usage,
      "USED is what the old monitor says (bytes_used); it may have counted the same session twice.",
    ),
    ...notes,
  ];
}
