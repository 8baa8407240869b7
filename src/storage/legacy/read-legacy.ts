/**
 * Reads what the old scripts left on a host. Nothing of theirs is changed.
 *
 * Each file is read whole and its fingerprint kept, so that what is imported
 * and what is remembered of it are the same bytes.
 */
import { lstat, open, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { codeOf, reasonOf } from "../../errors.ts";
import { parseDisabled } from "./disabled-conf.ts";
import { type Fingerprint, fingerprintOf } from "./import-record.ts";
import type { LegacyFindings } from "./legacy-accounts.ts";
import type { Parsed, Refusal } from "./legacy-text.ts";
import { parseLimits } from "./limit-conf.ts";
import { LONGEST_QUOTA_FILE, parseQuotaFile, QUOTA_FOLDERS, type QuotaRow } from "./quota-file.ts";
import { parseUsage } from "./usage-conf.ts";
import { isUsageJson, parseUsageJson, type UsageDocument } from "./usage-json.ts";

export interface LegacyPlaces {
  /** Where bw-limit.conf and its kin are: /etc/xray. */
  readonly directory: string;
  /** Below it are the folders of the other convention: /etc. */
  readonly etc: string;
  /** Where usage JSON may be, or be set aside. */
  readonly usageFolders: readonly string[];
  /** Old lists of hosts, in the order they are taken in. */
  readonly hostFiles: readonly string[];
  /** In /etc/ssh only files of such names are quotas: the others are the SSH server's. */
  readonly logins: ReadonlySet<string>;
}

export interface HostFile {
  readonly path: string;
  readonly content: Buffer;
}

export interface LegacyFiles {
  readonly findings: LegacyFindings;
  readonly hosts: readonly HostFile[];
  /** What was looked at, by path. */
  readonly prints: ReadonlyMap<string, Fingerprint>;
  /** Files of theirs that are there. */
  readonly found: readonly string[];
}

/** Larger ones are none of theirs. */
const LONGEST_FILE = 64 * 1024 * 1024;

/**
 * @param usage whether files of usage are read as well.
 * @throws {Error} naming the file that is there and cannot be read.
 */
export async function readLegacy(places: LegacyPlaces, usage: boolean): Promise<LegacyFiles> {
  const prints = new Map<string, Fingerprint>();
  const refusals: Refusal[] = [];
  const found: string[] = [];
  const contentOf = async (path: string): Promise<Buffer | undefined> => {
    const read = await readPlain(path);
    if (typeof read === "string") refusals.push({ file: path, line: 0, text: "", why: read });
    const file = typeof read === "object" ? read : undefined;
    prints.set(path, file ? fingerprintOf(file.content, file.mtimeMs) : null);
    if (file) found.push(path);
    return file?.content;
  };
  const rowsOf = async <Row>(name: string, parse: (file: string, text: string) => Parsed<Row>) => {
    const path = join(places.directory, name);
    return taken(parse(path, (await contentOf(path))?.toString("utf8") ?? ""), refusals);
  };
  const quotasBelow = async (folder: string): Promise<QuotaRow[]> => {
    const rows: QuotaRow[] = [];
    for (const file of await quotaFiles(folder, places.logins, refusals)) {
      const content = await contentOf(file.path);
      const text = content?.toString("utf8");
      if (text === undefined) continue;
      rows.push(...taken(parseQuotaFile(file.path, file.name, file.type, text), refusals));
    }
    return rows;
  };

  const findings = {
    limits: await rowsOf("bw-limit.conf", parseLimits),
    disabled: await rowsOf("bw-disabled.conf", parseDisabled),
    baselines: usage ? await rowsOf("bw-usage.conf", parseUsage) : [],
    lastStats: usage ? await rowsOf("bw-last-stats.conf", parseUsage) : [],
    documents: await documentsIn(places.usageFolders, refusals, found),
    quotas: await quotasBelow(places.etc),
    used: usage ? await quotasBelow(join(places.etc, "limit")) : [],
    refusals,
  };
  const hosts: HostFile[] = [];
  for (const path of places.hostFiles) {
    const content = await contentOf(path);
    if (content) hosts.push({ path, content });
  }
  return { findings, hosts, prints, found };
}

function taken<Row>(parsed: Parsed<Row>, refusals: Refusal[]): readonly Row[] {
  refusals.push(...parsed.refusals);
  return parsed.rows;
}

/** They are set aside or taken over by the first start, so what they are like then is remembered nowhere. */
async function documentsIn(
  folders: readonly string[],
  refusals: Refusal[],
  found: string[],
): Promise<UsageDocument[]> {
  const documents: UsageDocument[] = [];
  for (const folder of folders) {
    for (const name of await namesIn(folder)) {
      if (!/\.json(?:\.legacy)?$/.test(name)) continue;
      const path = join(folder, name);
      const file = await readPlain(path);
      const text = typeof file === "object" ? file.content.toString("utf8") : undefined;
      if (text === undefined || !(name.endsWith(".legacy") || isUsageJson(text))) continue;
      found.push(path);
      documents.push(...taken(parseUsageJson(path, text), refusals));
    }
  }
  return documents;
}

/** Files that may hold one number, by the names of users. */
async function quotaFiles(folder: string, logins: ReadonlySet<string>, refusals: Refusal[]) {
  const files: { path: string; name: string; type: QuotaRow["type"] }[] = [];
  for (const [protocol, type] of Object.entries(QUOTA_FOLDERS)) {
    const below = join(folder, protocol);
    for (const name of await namesIn(below)) {
      const path = join(below, name);
      const stats = await lstat(path).catch(() => undefined); // gone since
      if (!stats?.isFile() || name.startsWith(".")) continue;
      if (type === "ssh" && basename(folder) !== "limit" && !logins.has(name)) continue;
      if (stats.size <= LONGEST_QUOTA_FILE) files.push({ path, name, type });
      else {
        const why = `expected one number of bytes, got a file of ${stats.size}`;
        refusals.push({ file: path, line: 0, text: "", why });
      }
    }
  }
  return files;
}

/** Sorted; none of a folder that is not there. */
async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = await readdir(folder).catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return [];
    throw new Error(`Cannot read the folder "${folder}": ${reasonOf(error)}`, { cause: error });
  });
  return names.sort();
}

/** Undefined where there is none; why it is not read where it is no plain file of theirs. */
async function readPlain(path: string): Promise<{ content: Buffer; mtimeMs: number } | string | undefined> {
  try {
    const stats = await lstat(path);
    if (stats.isSymbolicLink() && basename(path) === "hosts.log") return undefined; // ours
    if (!(await stat(path)).isFile()) return "expected a plain file";
    await using file = await open(path, "r");
    const { mtimeMs, size } = await file.stat();
    if (size > LONGEST_FILE) return `expected at most ${LONGEST_FILE} bytes, got ${size}`;
    return { content: await file.readFile(), mtimeMs };
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw new Error(`Cannot read "${path}": ${reasonOf(error)}`, { cause: error });
  }
}
