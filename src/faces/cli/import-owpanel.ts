/**
 * `import owpanel`: shows what the old panel's stores and the older database have
 * that is not here, and on a yes takes it. Their files stay as they are.
 */
import { join } from "node:path";
import type { Settings } from "../../config.ts";
import type { ImportFailure, ImportRow } from "../../control/rows.ts";
import { RefusedRequestError } from "../../errors.ts";
import { OldDatabase } from "../../history/owpanel-database.ts";
import { parseOldSessions } from "../../history/owpanel-sessions.ts";
import { LocalTimes } from "../../hosts/local-times.ts";
import { type PlannedAccount, planLegacy } from "../../storage/legacy/legacy-plan.ts";
import { withDesk } from "./access.ts";
import { canAsk, isAgreed } from "./consent.ts";
import { presentAccounts, requireTaken, takeAccounts } from "./import-accounts.ts";
import { archivedIn } from "./import-known.ts";
import { whatIsDone } from "./import-text.ts";
import { answer } from "./output.ts";
import { oldAccounts } from "./owpanel-accounts.ts";
import { NO_TRAFFIC_OF_THEIRS, newPast, takePast } from "./owpanel-past.ts";
import { presentStore, readStore, type StoreOptions } from "./owpanel-stores.ts";
import { type OwpanelProposal, owpanelText } from "./owpanel-text.ts";
import { settingsFor } from "./settings-for.ts";

export interface OwpanelOptions extends StoreOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly usage?: boolean;
  readonly yes?: boolean;
}

const LATER = "The daemon is not running: limits take effect when it starts.";

/** @throws {RefusedRequestError} when there is nothing of theirs, or nobody can be asked. */
export async function importOwpanel(options: OwpanelOptions): Promise<void> {
  const settings = await settingsFor(options);
  const proposal = await findOwpanel(settings, options);
  const { plan, logins, traffic } = proposal;
  const report = (done: boolean, lines: readonly string[], failures: readonly ImportFailure[] = []) =>
    answer(options, jsonOf(proposal, done, failures), () => lines.join("\n"));
  if (!options.json) process.stdout.write(`${owpanelText(proposal, settings.timeZone)}\n`);
  const rows = traffic.minutes.length + traffic.hours.length + traffic.days.length;
  if (plan.accounts.length + logins.length + rows === 0) return report(true, ["Nothing to change."]);
  if (!options.yes && !canAsk(options)) {
    report(false, ["Nothing was changed."]);
    throw new RefusedRequestError("Cannot import: expected --yes, since nobody can be asked here");
  }
  if (!options.yes && !(await isAgreed("Import this?"))) return report(false, ["Nothing was changed."]);

  const accounts = plan.accounts.map(rowOf);
  const { failures, viaDaemon } =
    accounts.length > 0 ? await takeAccounts(settings, accounts) : { failures: [], viaDaemon: true };
  if (logins.length + rows > 0) takePast(settings, logins, traffic);
  const lines = [
    `Imported ${accounts.length - failures.length} accounts, ${logins.length} sessions and ${traffic.days.length} days of traffic.`,
    ...(viaDaemon ? [] : [LATER]),
  ];
  report(failures.length === 0, lines, failures);
  requireTaken(failures);
}

async function findOwpanel(settings: Settings, options: OwpanelOptions): Promise<OwpanelProposal> {
  const [history, sessions, database] = [
    await readStore("history", options, process.env),
    await readStore("sessions", options, process.env),
    await presentStore("db", options, process.env),
  ];
  const found = [database, history?.path, sessions?.path].filter((path) => path !== undefined);
  if (found.length === 0) {
    throw new RefusedRequestError(
      "Cannot import: expected --db, --history or --sessions with a file of the old panel's, found none in its usual places",
    );
  }
  const now = Date.now();
  const times = new LocalTimes(settings.timeZone);
  const keeper = settings.openvpn[0]?.name ?? "openvpn:server";
  const old = parseOldSessions(history, sessions, { momentOf: (text) => times.momentOf(text), keeper });
  using older = database === undefined ? undefined : new OldDatabase(database);
  const present = await withDesk(settings, presentAccounts);
  const accounts = older
    ? oldAccounts(database ?? "", older.quotas(), present, settings.aliases, options.usage === true)
    : { accounts: [], refusals: [] };
  const known = {
    logins: new Map(),
    engineUsers: new Set(accounts.accounts.map(({ name }) => name)), // no list of OpenVPN's users is anywhere
    archived: await archivedIn(join(settings.stateDirectory, "deleted")),
    minUid: 0,
  };
  const usage = options.usage === true;
  const plan = planLegacy(accounts, present, known, usage);
  const past = settings.history
    ? newPast(settings, settings.history, old.logins, older, now)
    : {
        logins: [],
        traffic: NO_TRAFFIC_OF_THEIRS,
        notes: ["Sessions and traffic are not taken: the settings switch the history off."],
      };
  const unusable = older?.unusableRows() ?? 0;
  return {
    ...{ found, plan, usage },
    ...past,
    refusals: [...plan.refusals, ...old.refusals],
    notes: [
      ...past.notes,
      ...(unusable > 0
        ? [`${unusable} rows of traffic_logs have no time or no bytes that can be counted.`]
        : []),
    ],
  };
}

function rowOf({ name, total, used }: PlannedAccount): ImportRow {
  return {
    name,
    service: "openvpn",
    totalBytes: total,
    enrolSsh: false,
    disabled: undefined,
    usageBytes: used,
  };
}

function jsonOf(proposal: OwpanelProposal, done: boolean, failures: readonly ImportFailure[]): object {
  const { plan, logins, traffic, refusals, notes, found } = proposal;
  return {
    accounts: plan.accounts.map((account) => ({
      ...rowOf(account),
      cuts: account.cuts,
      what: whatIsDone(account, undefined),
    })),
    unchanged: plan.unchanged,
    sessions: logins.length,
    traffic: { minutes: traffic.minutes.length, hours: traffic.hours.length, days: traffic.days.length },
    ...{ refusals, notes, found, done, failures },
  };
}
