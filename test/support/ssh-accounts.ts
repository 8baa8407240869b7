/**
 * Real accounts of this machine, for logins through the stage's sshd and dropbear.
 *
 * Their names begin with "slu" and their uids with 61000, above all that Debian
 * gives out by itself; several test files make them at the same time.
 */
import { randomBytes, randomInt } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { codeOf } from "../../src/errors.ts";
import { execute, killIfThere } from "./namespaces.ts";
import { until } from "./until.ts";

export const LOWEST_UID = 61_000;
const UIDS = 4_000;

export interface AccountOptions {
  /** Makes /home/NAME. */
  readonly home?: boolean;
  /** /bin/false if left out, as most tunnel accounts have it. */
  readonly shell?: string;
  /** A random one if left out. */
  readonly password?: string;
}

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly password: string;
  /** Whether it was made or not. */
  readonly home: string;
}

/** @throws {Error} with what useradd or chpasswd said. */
export async function addAccount(options: AccountOptions = {}): Promise<Account> {
  const { home = false, shell = "/bin/false", password = randomBytes(8).toString("hex") } = options;
  for (let attempt = 0; attempt < 20; attempt++) {
    const name = `slu${randomBytes(4).toString("hex")}`;
    const account = { name, uid: LOWEST_UID + randomInt(UIDS), password, home: `/home/${name}` };
    const made = await change(
      "useradd",
      ["--uid", `${account.uid}`, "--shell", shell, home ? "--create-home" : "--no-create-home", "--", name],
      [UID_IN_USE, NAME_IN_USE],
    );
    if (!made) continue;
    try {
      // Not only for password logins: without PAM, sshd lets nobody in who has none.
      await change("chpasswd", [], [], `${name}:${password}\n`);
    } catch (error) {
      await removeAccount(account);
      throw error;
    }
    return account;
  }
  throw new Error(`Cannot find a free uid from ${LOWEST_UID} to ${LOWEST_UID + UIDS - 1}: 20 tried`);
}

/** Also when somebody else has removed it, or half of it. */
export async function removeAccount({ name, uid, home }: Account): Promise<void> {
  await until(`the processes of ${name} are gone`, async () => {
    const pids = await processesOf(uid);
    for (const pid of pids) killIfThere(pid);
    return pids.length === 0;
  });
  await change("userdel", ["--force", "--", name], [NO_SUCH_USER]);
  await change("groupdel", ["--", name], [NO_SUCH_GROUP]);
  await rm(home, { recursive: true, force: true });
}

/** Pids of all processes with this uid, but for dead ones that nobody has waited for yet. */
export async function processesOf(uid: number): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry)).map(Number);
  const owners = await Promise.all(pids.map(uidsOf));
  return pids.filter((_, index) => owners[index]?.includes(uid));
}

/** Not the owner of the folder: that is root for a process that changed its user. */
async function uidsOf(pid: number): Promise<readonly number[]> {
  try {
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    const [, uids = ""] = /^Uid:\t(.*)$/m.exec(status) ?? [];
    return /^State:\t[ZX]/m.test(status) ? [] : uids.split("\t").map(Number);
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(codeOf(error) ?? "")) return [];
    throw error;
  }
}

// useradd(8), userdel(8), groupdel(8)
const UID_IN_USE = 4;
const NAME_IN_USE = 9;
const NO_SUCH_USER = 6;
const NO_SUCH_GROUP = 6;

/**
 * Runs one of the programs that lock /etc/passwd, again as long as somebody else holds the lock.
 *
 * @returns whether it was done; false for an exit status among `expected`.
 */
async function change(
  program: string,
  args: readonly string[],
  expected: readonly number[],
  input = "",
): Promise<boolean> {
  for (let attempt = 0; ; attempt++) {
    try {
      await execute(program, args, input);
      return true;
    } catch (error) {
      const { message, cause } = error as Error & { cause: { code: unknown } };
      if (expected.some((status) => status === cause.code)) return false;
      if (attempt === 100 || !/cannot lock|try again/.test(message)) throw error;
      await delay(50);
    }
  }
}
