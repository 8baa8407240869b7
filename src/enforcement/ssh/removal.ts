/**
 * Deletes a login: step by step, each looked at afterwards, and all of it again
 * from the top when a crash came in between.
 *
 * The gate is shut and the login locked before anything is taken away, so
 * wherever it stops, nobody gets in; and everything about him is in the archive
 * before the first thing is removed.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { reasonOf } from "../../errors.ts";
import { type Login, parseGroups, parsePasswd } from "../../sources/ssh/logins.ts";
import { removeAccount } from "./account-removal.ts";
import { linesOf } from "./database-lines.ts";
import { GONE, removeHome, whyHomeStays } from "./home-removal.ts";
import { LoginArchive } from "./login-archive.ts";
import { removeAtJobs, removeCronFiles, removeCrontabs, removeIfHis } from "./login-leftovers.ts";
import { lockLogin } from "./login-lock.ts";
import { requirePlainName } from "./login-name.ts";
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

/** In the archive once the account is gone: who has the name then is somebody new, also when useradd gave him the same uid again. */
const REMOVED = "account-removed";

export interface RemovalReport {
  /** What was left alone, and why. */
  readonly notes: readonly string[];
}

/**
 * @param order its login must have passed `whyNotDelete()`.
 * @throws {RangeError} for a name that must reach no path and no command.
 * @throws {Error} naming the step that failed; nothing behind it was done. Also
 * before the first when somebody got the same uid beside him: what is whose
 * cannot be told any more.
 */
export async function removeLogin(
  order: RemovalOrder,
  hands: RemovalHands,
  paths: SystemPaths = SYSTEM,
): Promise<RemovalReport> {
  const { login, legacyDirectory, publicDirectory } = order;
  requirePlainName(login.name);
  const archive = new LoginArchive(order.archive);
  const notes: string[] = [];
  const logins = loginsNow(paths);
  const present = logins.find(({ name }) => name === login.name);
  // After a crash name and uid may have been given away: what is theirs is no longer the order's.
  const removed = archive.has(REMOVED);
  const another = present !== undefined && (present.uid !== login.uid || removed);
  const heir = logins.find(({ name, uid }) => uid === login.uid && (name !== login.name || removed));
  if (another)
    notes.push(`the name ${login.name} is another's by now (uid ${present.uid}): his login was left alone`);
  else if (present && heir)
    throw new Error(`Cannot delete login "${login.name}": ${heir.name} has his uid ${login.uid} too`);
  if (heir)
    notes.push(`uid ${login.uid} is now ${heir.name}'s: its processes, jobs and files were left alone`);
  const steps: Record<RemovalStep, () => Promise<void> | void> = {
    gate: () => hands.shutGate(),
    lock: () => (present && !another ? lockLogin(login.name) : undefined),
    sessions: () => (heir ? undefined : hands.endSessions()),
    archive: () => keepEverything(archive, order, hands, paths, another),
    crontab: () => (another ? undefined : removeCrontabs(archive, login, paths)),
    "at jobs": () => (heir ? undefined : removeAtJobs(login, paths)),
    "cron files": async () => {
      if (!another) notes.push(...(await removeCronFiles(archive, login, paths)));
    },
    lingering: () => (another ? undefined : rmSync(join(paths.linger, login.name), { force: true })),
    home: async () => {
      const stays = another ? GONE : whyHomeStays(login, logins, paths);
      if (stays === GONE) return;
      if (stays !== undefined) {
        notes.push(`his home stays: ${stays}`);
        return;
      }
      if (order.archiveHome) await archive.keepFolder("home.tar.gz", login.home);
      await removeHome(login.home);
    },
    mail: () => (another ? undefined : removeIfHis(join(paths.mail, login.name), login.uid)),
    account: async () => {
      if (another) return;
      await removeAccount(login, () => hands.endSessions(), paths);
      await archive.keepText(REMOVED, "");
    },
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
  another: boolean,
): Promise<void> {
  await archive.open();
  await archive.keepText("account.json", hands.accountState());
  await archive.keepText("passwd", `${login.line}\n`);
  if (another) return;
  await archive.keepText("shadow", linesOf(paths.shadow, login.name).join(""));
  const groups = parseGroups(readFileSync(paths.group, "utf8")).filter(
    ({ gid, members }) => gid === login.gid || members.includes(login.name),
  );
  await archive.keepText("group", groups.map(({ line }) => `${line}\n`).join(""));
}

function loginsNow({ passwd }: SystemPaths): Login[] {
  return parsePasswd(readFileSync(passwd, "utf8"));
}
