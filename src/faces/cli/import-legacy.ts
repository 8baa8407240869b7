/**
 * `import legacy`: shows what the old scripts' files would change here, and on
 * a yes changes it. Their files stay as they are.
 */
import { join, resolve } from "node:path";
import type { Settings } from "../../config.ts";
import type { ImportFailure, ImportRow } from "../../control/rows.ts";
import { RefusedRequestError } from "../../errors.ts";
import { hostsLink, noteImported } from "../../hosts/hosts-link.ts";
import { type LegacyHosts, parseLegacyHosts } from "../../hosts/legacy-hosts.ts";
import { LocalTimes } from "../../hosts/local-times.ts";
import type { CountRule } from "../../rules.ts";
import { knownLength, noteImport, readImportRecord } from "../../storage/legacy/import-record.ts";
import { type LegacyFindings, legacyAccounts } from "../../storage/legacy/legacy-accounts.ts";
import { type PlannedAccount, planLegacy } from "../../storage/legacy/legacy-plan.ts";
import { type HostFile, type LegacyFiles, readLegacy } from "../../storage/legacy/read-legacy.ts";
import { unixTime } from "../../units.ts";
import { withDesk } from "./access.ts";
import { canAsk, isAgreed } from "./consent.ts";
import { type CountSetting, countSetting, reloadForCount, writeCount } from "./count-setting.ts";
import { withHosts } from "./hosts.ts";
import { presentAccounts, requireTaken, takeAccounts } from "./import-accounts.ts";
import { knownNames } from "./import-known.ts";
import { type Proposal, proposalText, whatIsDone } from "./import-text.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";

export interface ImportOptions {
  readonly config?: string;
  readonly json?: boolean;
  /** Where bw-limit.conf is; /etc/xray below the root if left out. */
  readonly directory?: string;
  /** Stands in front of /etc: "/" but for a copy of another host's files. */
  readonly root: string;
  readonly usage?: boolean;
  readonly count?: CountRule;
  readonly yes?: boolean;
}

/** All that was found and is to be done. */
interface Import {
  readonly proposal: Proposal;
  readonly count: CountSetting;
  readonly files: LegacyFiles;
}

const DAY_MS = 86_400_000;
const LATER = "The daemon is not running: this takes effect when it starts.";

export async function importLegacy(options: ImportOptions): Promise<void> {
  const settings = await settingsFor(options);
  const found = await findImport(settings, options);
  const { proposal, count } = found;
  const report = (done: boolean, lines: readonly string[], failures: readonly ImportFailure[] = []) =>
    answer(options, jsonOf(proposal, done, failures), () => lines.join("\n"));
  if (!options.json) process.stdout.write(`From ${proposal.directory}:\n\n${proposalText(proposal)}\n`);
  if (proposal.plan.accounts.length === 0 && proposal.hosts.length === 0 && !proposal.count.written) {
    await noteImport(settings, found.files.prints);
    return report(true, ["Nothing to change."]);
  }
  if (!options.yes && !canAsk(options)) {
    report(false, ["Nothing was changed."]);
    throw new RefusedRequestError("Cannot import: expected --yes, since nobody can be asked here");
  }
  if (!options.yes && !(await isAgreed("Import this?"))) return report(false, ["Nothing was changed."]);

  await writeCount(count);
  await reloadForCount(settings, count);
  const lines = proposal.count.written ? [`Wrote "count": "${count.count}" into ${count.path}.`] : [];
  const now = await settingsFor(options);
  const { failures, viaDaemon } = await takeAccounts(now, proposal.plan.accounts.map(rowOf));
  lines.push(`Imported ${proposal.plan.accounts.length - failures.length} accounts.`);
  if (proposal.hosts.length > 0) lines.push(`Imported ${await takeHosts(now, proposal.hosts)} hosts.`);
  await noteImport(now, found.files.prints);
  report(failures.length === 0, [...lines, ...(viaDaemon ? [] : [LATER])], failures);
  requireTaken(failures);
}

/** @throws {RefusedRequestError} when there is nothing of theirs. */
async function findImport(settings: Settings, options: ImportOptions): Promise<Import> {
  const etc = join(resolve(options.root), "etc");
  const directory = resolve(options.directory ?? join(etc, "xray"));
  // First: a daemon's start, or this command's without one, sets their usage files aside.
  const present = await withDesk(settings, presentAccounts);
  const known = await knownNames(settings, join(etc, "passwd"), directory);
  const usageFolders = new Set([join(etc, "myvpn", "usage"), join(settings.stateDirectory, "usage")]);
  const usage = options.usage === true;
  const files = await readLegacy(
    {
      ...{ directory, etc },
      usageFolders: [...usageFolders],
      hostFiles: [join(directory, "captured-hosts.txt"), join(etc, "myvpn", "hosts.log")],
      logins: new Set(known.logins.keys()),
    },
    usage,
  );
  if (files.found.length === 0) {
    throw new RefusedRequestError(
      `Cannot import: expected bw-limit.conf and its kin in "${directory}", or /etc/vmess/USER and its kin below "${etc}", found nothing of the kind`,
    );
  }
  const plan = planLegacy(legacyAccounts(files.findings, settings.aliases), present, known, usage);
  const hosts = settings.hosts
    ? await hostsIn(settings, settings.hosts.retentionDays, files.hosts)
    : { lines: [], refusals: [] };
  const count = await countSetting(settings, options.count, soldFor(files.findings));
  const concerns = plan.accounts.length + plan.unchanged > 0;
  const proposal: Proposal = {
    ...{ directory, plan, usage },
    hosts: hosts.lines,
    hostRefusals: hosts.refusals,
    count: { path: count.path, count: count.count, written: concerns && count.text !== undefined },
    notes: [
      ...known.unread.map((why) => `Users of an engine may be missing: ${why}`),
      ...(settings.hosts || files.hosts.length === 0
        ? []
        : ["Hosts are not taken: the settings switch them off."]),
    ],
    onLimit: settings.ssh?.onLimit,
  };
  return { proposal, files, count: proposal.count.written ? count : { ...count, text: undefined } };
}

/** Blue's scripts counted uploads, those with a file for each user downloads. */
function soldFor({ limits, quotas }: LegacyFindings): CountRule {
  return limits.length === 0 && quotas.length > 0 ? "downlink" : "uplink";
}

async function hostsIn(
  settings: Settings,
  retentionDays: number,
  files: readonly HostFile[],
): Promise<LegacyHosts> {
  const record = await readImportRecord(settings);
  const times = new LocalTimes(settings.timeZone);
  const oldest = unixTime(Date.now() - retentionDays * DAY_MS);
  const parts = files.map(({ path, content }) =>
    parseLegacyHosts(path, content, knownLength(content, record.get(path)), times, oldest),
  );
  const lines = parts.flatMap((part) => part.lines);
  return {
    lines: [...new Map(lines.toReversed().map((line) => [line.split("|")[0], line])).values()].toReversed(), // the first of each host
    refusals: parts.flatMap(({ refusals }) => refusals),
  };
}

function rowOf({ name, service, total, disabled, used, enrolSsh }: PlannedAccount): ImportRow {
  return { name, service, totalBytes: total, enrolSsh, disabled, usageBytes: used };
}

/** @returns how many hosts were new. */
async function takeHosts(settings: Settings, lines: readonly string[]): Promise<number> {
  const taken = await withHosts(
    settings,
    (client) => client.takeOver(lines),
    (store) => store.takeOver(lines),
  );
  noteImported(hostsLink(settings), lines);
  return taken;
}

function jsonOf(proposal: Proposal, done: boolean, failures: readonly ImportFailure[]): object {
  const { plan, hosts, hostRefusals, count, notes } = proposal;
  return {
    accounts: plan.accounts.map((account) => ({
      ...rowOf(account),
      type: account.type ?? null,
      cuts: account.cuts,
      what: whatIsDone(account, proposal.onLimit),
    })),
    unchanged: plan.unchanged,
    hosts: hosts.length,
    refusals: [...plan.refusals, ...hostRefusals],
    ...{ count, notes, done, failures },
  };
}
