/**
 * One account a name, from everything the old files say of it.
 *
 * The files speak of one user in several places: a limit in one, bytes in two
 * others, and the same name may stand in a file twice, or in two conventions.
 * Here it is settled which of them counts; what does not is told with a reason.
 *
 * Pure: no clock, no I/O.
 */
import type { UserName } from "../../names.ts";
import { type Bytes, bytes, NO_BYTES } from "../../units.ts";
import type { DisabledRow } from "./disabled-conf.ts";
import type { Place, Refusal } from "./legacy-text.ts";
import type { LegacyType, LimitRow } from "./limit-conf.ts";
import type { QuotaRow } from "./quota-file.ts";
import type { UsageRow } from "./usage-conf.ts";
import type { UsageDocument } from "./usage-json.ts";

/** What was read, file by file. */
export interface LegacyFindings {
  readonly limits: readonly LimitRow[];
  readonly baselines: readonly UsageRow[];
  readonly lastStats: readonly UsageRow[];
  readonly disabled: readonly DisabledRow[];
  readonly documents: readonly UsageDocument[];
  readonly quotas: readonly QuotaRow[];
  readonly used: readonly QuotaRow[];
  readonly refusals: readonly Refusal[];
}

export interface LegacyAccount {
  readonly name: UserName;
  readonly type: LegacyType | undefined;
  /** 0 is no limit; undefined where no file has one. */
  readonly total: Bytes | undefined;
  readonly disabled: boolean;
  /** Undefined where no file tells it. */
  readonly used: Bytes | undefined;
  /** Where all this stood: what is told if the account is not taken. */
  readonly places: readonly Place[];
}

/** Half of what can be counted. */
const MOST_USED = 2 ** 52;

/** @param aliases from a name to the account it is booked to. */
export function legacyAccounts(
  findings: LegacyFindings,
  aliases: ReadonlyMap<UserName, UserName>,
): { readonly accounts: readonly LegacyAccount[]; readonly refusals: readonly Refusal[] } {
  const refusals: Refusal[] = [...findings.refusals];
  const accountOf = ({ name }: { readonly name: UserName }) => aliases.get(name) ?? name;
  const latest = <Row extends Named>(rows: readonly Row[]) => latestOf(rows, accountOf, refusals);
  const limits = latest(findings.limits);
  const quotas = largestOf(findings.quotas, accountOf, refusals);
  const documents = latest(findings.documents);
  const disabled = latest(findings.disabled);
  const baselines = latest(findings.baselines);
  const lastStats = latest(findings.lastStats);
  const used = summed(findings.used, accountOf);

  for (const [name, { place }] of quotas) {
    if (limits.has(name)) refusals.push({ ...place, why: "bw-limit.conf has a row for him, which counts" });
  }
  // Half of what somebody used is not what he used.
  const halves = findings.refusals.filter(({ file }) => /\/bw-(?:usage|last-stats)\.conf$/.test(file));
  const doubtful = new Set(halves.map(({ text }) => text.split(/\s/)[0]));
  const names = new Set(
    [limits, quotas, documents, disabled, baselines, lastStats, used].flatMap((each) => [...each.keys()]),
  );
  const countable = ({ name, used: sum, places }: LegacyAccount) => {
    if (sum === undefined || sum <= MOST_USED) return true;
    const why = "the usage is not taken: it leaves no room to count on from";
    const [place] = [baselines.get(name), lastStats.get(name)]
      .flatMap((row) => row?.place ?? [])
      .concat(places);
    if (place) refusals.push({ ...place, why });
    return false;
  };
  const accounts = [...names].sort().map((name): LegacyAccount => {
    const limit = limits.get(name);
    const quota = quotas.get(name);
    const document = documents.get(name);
    const [baseline, last] = [baselines.get(name), lastStats.get(name)];
    return {
      name,
      type: limit?.type ?? quota?.type ?? disabled.get(name)?.type,
      total: limit?.total ?? quota?.size ?? (document && document.total > 0 ? document.total : undefined),
      disabled: disabled.has(name),
      // Theirs had no rows in the two files for SSH: its counter was the total, in the JSON.
      used: doubtful.has(name)
        ? undefined
        : baseline || last
          ? sumOf(baseline?.used, last?.used)
          : (used.get(name) ?? document?.used),
      places: placesOf([
        [limit, limit ? undefined : quota, disabled.get(name)],
        [baseline, last],
        [document, findings.used.find((row) => accountOf(row) === name)],
      ]),
    };
  });
  return {
    accounts: accounts.map((each) => (countable(each) ? each : { ...each, used: undefined })),
    refusals,
  };
}

/** Of the first of these that stood anywhere. */
function placesOf(rows: readonly (readonly (Named | undefined)[])[]): readonly Place[] {
  return rows.map((each) => each.flatMap((row) => row?.place ?? [])).find(({ length }) => length > 0) ?? [];
}

interface Named {
  readonly name: UserName;
  readonly place: Place;
}

/** The last row of each account: theirs took a row away and added the new one at the end. */
function latestOf<Row extends Named>(
  rows: readonly Row[],
  accountOf: (row: Row) => UserName,
  refusals: Refusal[],
): Map<UserName, Row> {
  const latest = new Map<UserName, Row>();
  for (const row of rows) {
    const earlier = latest.get(accountOf(row));
    if (earlier)
      refusals.push({ ...earlier.place, why: `${whereOf(row.place)} is of the same account, and counts` });
    latest.set(accountOf(row), row);
  }
  return latest;
}

/** Theirs had a quota for each protocol, an account has one for all: the largest, or none, cuts nobody by mistake. */
function largestOf(
  rows: readonly QuotaRow[],
  accountOf: (row: QuotaRow) => UserName,
  refusals: Refusal[],
): Map<UserName, QuotaRow> {
  const largest = new Map<UserName, QuotaRow>();
  for (const row of rows) {
    const other = largest.get(accountOf(row));
    const [kept, left] = other === undefined || larger(row, other) ? [row, other] : [other, row];
    if (left) {
      const why = `an account has one quota for all its services: that of ${whereOf(kept.place)} is larger, and counts`;
      refusals.push({ ...left.place, why });
    }
    largest.set(accountOf(row), kept);
  }
  return largest;
}

function larger(row: QuotaRow, other: QuotaRow): boolean {
  const size = (each: QuotaRow) => (each.size === 0 ? Number.POSITIVE_INFINITY : each.size);
  return size(row) > size(other);
}

/** What was used over all protocols. */
function summed(rows: readonly QuotaRow[], accountOf: (row: QuotaRow) => UserName): Map<UserName, Bytes> {
  const sums = new Map<UserName, Bytes>();
  for (const row of rows) {
    const name = accountOf(row);
    sums.set(name, sumOf(sums.get(name), row.size));
  }
  return sums;
}

/** At most what can be counted. */
function sumOf(one: Bytes = NO_BYTES, other: Bytes = NO_BYTES): Bytes {
  return bytes(Math.min(one + other, Number.MAX_SAFE_INTEGER));
}

function whereOf({ file, line }: Place): string {
  return line > 0 ? `line ${line} of ${file}` : file;
}
