/**
 * Deletes a login: step by step, each looked at afterwards, and all of it again
 * from the top when a crash came in between.
 *
 * The gate is shut and the login locked before anything is taken away, so
 * wherever it stops, nobody gets in; and everything about him is in the archive
 * before the first thing is removed.
 */
import { execFile } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { codeOf, reasonOf } from "../../errors.ts";
import { type Login, parseGroups, parsePasswd } from "../../sources/ssh/logins.ts";
import { ownerOfCronFile } from "./cron-files.ts";
import { GONE, removeHome, whyHomeStays } from "./home-removal.ts";
import { LoginArchive } from "./login-archive.ts";
import { lockLogin } from "./login-lock.ts";
import { removePage, removeRows } from "./script-files.ts";
import { SYSTEM, type SystemPaths } from "./system-paths.ts";

export interface RemovalOrder {
  /** As /etc/passwd had it when the deletion was decided. */
  readonly login: Login;
  /** The folder everything about him is kept in; decided once and saved with the decision. */
  readonly archive: string;
  readonly archiveHome: boolean;
  /** Folders of the shell scripts, where settings name them. */
  readonly legacyDirectory: string | null;
  readonly publicDirectory: string | null;
}

/** What other parts do, each good to be called again. */
export interface RemovalHands {
  shutGate(): Promise<void>;
  /** By uid, by cgroup, by socket. @throws when some live on. */
  endSessions(): Promise<void>;
  dropKernelObjects(): Promise<void>;
  /** His account as JSON, for the archive. */
  accountState(): string;
  /** Hears of each step before it is taken. */
  onStep(step: RemovalStep): void;
}

export const REMOVAL_STEPS = [
  ...["gate", "lock", "sessions", "archive", "crontab", "at jobs", "cron files", "lingering"],
  ...["home", "mail", "account", "kernel", "scripts"],
] as const;
export type RemovalStep = (typeof REMOVAL_STEPS)[number];

export interface RemovalReport {
  /** What was left alone, and why. */
  readonly notes: readonly string[];
}

const USERDEL_TRIES = 20;
const USERDEL_PAUSE_MS = 250;
const USERDEL_BUSY = 8;
const USERDEL_LOCKED = [1, 10];
const TIMEOUT_MS = 30_000;

/**
 * @param order its login must have passed `whyNotDelete()`.
 * @throws {Error} naming the step that failed; nothing behind it was done.
 */
export async function removeLogin(
  order: RemovalOrder,
  hands: RemovalHands,
  paths: SystemPaths = SYSTEM,
): Promise<RemovalReport> {
  const { login, legacyDirectory, publicDirectory } = order;
  const archive = new LoginArchive(order.archive);
  const notes: string[] = [];
  const present = loginNow(login.name, paths);
  // The name may have been given to somebody else since: his things are no longer the order's.
  const another = present !== undefined && present.uid !== login.uid;
  if (another)
    notes.push(`the name ${login.name} is another's by now (uid ${present.uid}): his login was left alone`);
  const steps: Record<RemovalStep, () => Promise<void> | void> = {
    gate: () => hands.shutGate(),
    lock: () => (present && !another ? lockLogin(login.name) : undefined),
    sessions: () => hands.endSessions(),
    archive: () => keepEverything(archive, order, hands, paths),
    crontab: () => (another ? undefined : removeCrontabs(archive, login, paths)),
    "at jobs": () => removeAtJobs(login, paths),
    "cron files": async () => {
      if (!another) notes.push(...(await removeCronFiles(archive, login, paths)));
    },
    lingering: () => (another ? undefined : rmSync(join(paths.linger, login.name), { force: true })),
    home: async () => {
      const stays = another ? GONE : whyHomeStays(login, paths);
      if (stays === undefined) await archiveAndRemoveHome(archive, order);
      else if (stays !== GONE) notes.push(`his home stays: ${stays}`);
    },
    mail: () => removeIfHis(join(paths.mail, login.name), login.uid),
    account: () => (present && !another ? removeAccount(login, hands, paths) : undefined),
    kernel: () => hands.dropKernelObjects(),
    scripts: () => {
      if (another) return;
      if (legacyDirectory !== null) removeRows(legacyDirectory, login.name);
      if (publicDirectory !== null) removePage(publicDirectory, login.name);
    },
  };
  for (const step of REMOVAL_STEPS) {
    hands.onStep(step);
    try {
      await steps[step]();
    } catch (cause) {
      throw new Error(`Cannot delete login "${login.name}" at step "${step}": ${reasonOf(cause)}`, { cause });
    }
  }
  return { notes };
}

async function keepEverything(
  archive: LoginArchive,
  { login }: RemovalOrder,
  hands: RemovalHands,
  paths: SystemPaths,
): Promise<void> {
  archive.open();
  await archive.keepText("account.json", hands.accountState());
  await archive.keepText("passwd", archive.linesOf(paths.passwd, login.name) || `${login.line}\n`);
  await archive.keepText("shadow", archive.linesOf(paths.shadow, login.name));
  const groups = parseGroups(readFileSync(paths.group, "utf8")).filter(
    ({ gid, members }) => gid === login.gid || members.includes(login.name),
  );
  await archive.keepText("group", groups.map(({ line }) => `${line}\n`).join(""));
}

async function removeCrontabs(
  archive: LoginArchive,
  { name }: Login,
  { crontabs }: SystemPaths,
): Promise<void> {
  for (const folder of crontabs) {
    const path = join(folder, name);
    if (!isFile(path)) continue;
    await archive.keepFile("crontab", path);
    rmSync(path, { force: true });
  }
}

function removeAtJobs({ uid }: Login, { atJobs }: SystemPaths): void {
  for (const name of namesIn(atJobs)) {
    // "a" is a job, "=" one that runs; ".SEQ" is the counter.
    if (/^[a-zA-Z=]/.test(name)) removeIfHis(join(atJobs, name), uid);
  }
}

async function removeCronFiles(
  archive: LoginArchive,
  { name }: Login,
  { cronFolder }: SystemPaths,
): Promise<string[]> {
  const notes: string[] = [];
  for (const file of namesIn(cronFolder)) {
    const path = join(cronFolder, file);
    if (!isFile(path)) continue;
    const owner = ownerOfCronFile(readFileSync(path, "utf8"), name);
    if (owner === "shared") notes.push(`${path} runs as others too: left alone`);
    if (owner !== "his") continue;
    await archive.keepFile(`cron.d-${file}`, path);
    rmSync(path, { force: true });
  }
  return notes;
}

async function archiveAndRemoveHome(
  archive: LoginArchive,
  { login: { home }, archiveHome }: RemovalOrder,
): Promise<void> {
  if (archiveHome && !archive.has("home.tar.gz")) {
    const part = archive.pathOf("home.tar.gz.part");
    archive.discard(part);
    const args = ["--create", "--gzip", "--one-file-system", "--file", part, "--directory", dirname(home)];
    await promisify(execFile)("tar", [...args, "--", basename(home)]);
    archive.finish(part, "home.tar.gz");
  }
  await removeHome(home);
  if (existsSync(home)) throw new Error(`"${home}" is still there`);
}

/** userdel knows the system's locks and all its databases; he may have got a process again until then. */
async function removeAccount(login: Login, hands: RemovalHands, paths: SystemPaths): Promise<void> {
  for (let attempt = 1; loginNow(login.name, paths) !== undefined; attempt += 1) {
    try {
      await promisify(execFile)("userdel", ["--", login.name], { timeout: TIMEOUT_MS });
    } catch (cause) {
      const { code } = cause as { code?: unknown };
      if (attempt === USERDEL_TRIES) throw new Error(`userdel: ${reasonOf(cause)}`, { cause });
      if (code === USERDEL_BUSY) await hands.endSessions();
      else if (!USERDEL_LOCKED.includes(Number(code)))
        throw new Error(`userdel: ${reasonOf(cause)}`, { cause });
      await delay(USERDEL_PAUSE_MS);
    }
  }
  for (const path of [paths.shadow, paths.subuid, paths.subgid]) {
    const left = contentOf(path)
      .split("\n")
      .some((line) => line.startsWith(`${login.name}:`));
    if (left) throw new Error(`userdel said it was done, "${path}" still has him`);
  }
}

function loginNow(name: string, { passwd }: SystemPaths): Login | undefined {
  return parsePasswd(readFileSync(passwd, "utf8")).find((login) => login.name === name);
}

function removeIfHis(path: string, uid: number): void {
  try {
    const status = lstatSync(path);
    if (status.isFile() && status.uid === uid) rmSync(path, { force: true });
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function isFile(path: string): boolean {
  try {
    return lstatSync(path).isFile();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "";
    throw error;
  }
}
