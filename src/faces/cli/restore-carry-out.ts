/** Carries a restore out: with Sluice stopped, and started again whatever happens. */
import { existsSync, readFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { systemClock } from "../../clock.ts";
import type { Settings } from "../../config.ts";
import { stateOwner, takeLock, usageOf } from "../../daemon/state-lock.ts";
import { StateInUseError, UnreachableError, unlessMissing } from "../../errors.ts";
import { CaptureClient, captureSocket } from "../../hosts/capture-client.ts";
import { parsePasswd } from "../../sources/ssh/logins.ts";
import { freshAccounts, presentBooks } from "../../storage/backup/account-folder.ts";
import { stagedPath } from "../../storage/backup/archive.ts";
import type { BackupPart } from "../../storage/backup/parts.ts";
import { freshFile, freshFolder, type Placement, putInPlace } from "../../storage/backup/put-in-place.ts";
import { keptAccount, type PresentBooks, restoredAccount } from "../../storage/backup/restored-account.ts";
import type { FileOwner } from "../../storage/durable-write.ts";
import { hostTraces } from "./host-traces.ts";
import type { Restore } from "./restore-plan.ts";
import { CAPTURE_UNIT, ENFORCER_UNIT, stopUnits, WEB_UNIT } from "./units.ts";

/**
 * @returns what was done, a sentence each.
 * @throws {UnreachableError} while somebody has the books or the hosts whom systemd did not start.
 */
export async function carryOut(restore: Restore): Promise<string[]> {
  const { settings, parts, suffix } = restore;
  const has = (name: BackupPart["name"]) => parts.some(({ part }) => part.name === name);
  const units = [
    ENFORCER_UNIT,
    ...(has("hosts") ? [CAPTURE_UNIT] : []),
    ...(has("admins") ? [WEB_UNIT] : []),
  ];
  await using services = await stopUnits(units);
  using _locked = await lockState(settings);
  if (has("hosts")) await requireNoCapture(settings);
  const placements: Placement[] = [];
  for (const { part, names } of parts) {
    const fresh = await madeReady(restore, part, names);
    placements.push({ fresh, path: part.path, kept: part.path + suffix });
  }
  await putInPlace(placements);
  return [
    ...placements
      .filter(({ kept }) => existsSync(kept))
      .map(({ path, kept }) => `Restored ${path}; as it was: ${kept}`),
    ...placements.filter(({ kept }) => !existsSync(kept)).map(({ path }) => `Restored ${path}.`),
    ...services.stopped.map((unit) => `Started ${unit} again.`),
    ...(services.stopped.length === 0
      ? ["Counting goes on when Sluice is started: systemctl start bw-limit-check"]
      : []),
  ];
}

/** Undefined where there are no books yet. @throws {UnreachableError} while a daemon that systemd did not start has them. */
async function lockState(settings: Settings): Promise<Disposable | undefined> {
  if (!existsSync(usageOf(settings))) return undefined;
  try {
    return await takeLock(settings, systemClock, undefined);
  } catch (error) {
    if (!(error instanceof StateInUseError)) throw error;
    throw new UnreachableError(
      `Cannot restore while a daemon has the books in "${settings.stateDirectory}": stop it first (it is not ${ENFORCER_UNIT}, which would be stopped here)`,
      { cause: error },
    );
  }
}

async function requireNoCapture(settings: Settings): Promise<void> {
  const pid = await new CaptureClient(captureSocket(settings)).status().then(
    (status) => status.pid,
    (error: unknown) => {
      if (!(error instanceof UnreachableError)) throw error;
      return undefined;
    },
  );
  if (pid === undefined) return;
  throw new UnreachableError(`Cannot restore hosts while a capture runs: stop process ${pid} first`);
}

/** @returns where the part is ready to be put in its place. */
async function madeReady(restore: Restore, part: BackupPart, names: readonly string[]): Promise<string> {
  const { folder } = restore;
  const owner = await ownerOf(part);
  if (part.kind === "accounts") return accountsReady(restore, owner);
  if (part.kind === "folder") return freshFolder(folder, names, part.path, part.mode, owner);
  const mode = part.name === "settings" ? await modeOf(part) : part.mode;
  return freshFile(stagedPath(folder, names[0] ?? ""), part.path, mode, owner);
}

async function accountsReady(restore: Restore, owner: FileOwner | undefined): Promise<string> {
  const { settings, accounts } = restore;
  const folder = { directory: usageOf(settings), fileMode: settings.usageFileMode, owner };
  const now = systemClock.unix();
  const there = existsSync(folder.directory);
  const present: PresentBooks = there
    ? await presentBooks(folder, now)
    : { accounts: new Map(), lastKernelNumber: 0 };
  const traces = await hostTraces(settings);
  const restored = accounts.map((account) => restoredAccount(account, present, traces, now));
  const names = new Set<string>(accounts.map(({ name }) => name));
  const kept = [...present.accounts.values()].flatMap((account) =>
    names.has(account.name) ? [] : (keptAccount(account, now) ?? []),
  );
  return freshAccounts(folder, [...restored, ...kept], present.lastKernelNumber);
}

/** As it is on this host, where others may have to read it. */
async function modeOf({ path, mode }: BackupPart): Promise<number> {
  const there = await unlessMissing(stat(path));
  return there ? there.mode & 0o7777 : mode;
}

/** Undefined leaves a file with whoever runs this. */
async function ownerOf({ name, owner }: BackupPart): Promise<FileOwner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  if (name === "usage" || name === "events") return stateOwner();
  const login = parsePasswd(readFileSync("/etc/passwd", "utf8")).find((each) => each.name === owner);
  return login && { uid: login.uid, gid: login.gid };
}
