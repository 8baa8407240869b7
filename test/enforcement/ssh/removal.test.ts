import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chown, mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { lockOf } from "../../../src/enforcement/ssh/login-lock.ts";
import { REMOVAL_STEPS, type RemovalReport, removeLogin } from "../../../src/enforcement/ssh/removal.ts";
import { processesOf } from "../../../src/kernel/processes.ts";
import { makeLogin } from "../../support/real-login.ts";
import { needs } from "../../support/requirements.ts";

const PROGRAM = join(import.meta.dirname, "programs/remove.ts");
const CRON = "/etc/cron.d";
const CRONTABS = "/var/spool/cron/crontabs";
const missing = needs("root", "useradd", "userdel", "usermod", "crontab");

/** A login with everything a login can leave behind, and the order to delete it. */
async function customer() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-removal-"));
  const it = makeLogin("--create-home", "--password", "$6$x$y");
  const { name, uid, gid, home } = it.login;
  const [his, shared, others] = [`${CRON}/${name}-his`, `${CRON}/${name}-shared`, `${CRON}/${name}-others`];
  await writeFile(join(home, "notes"), "x".repeat(1000));
  await writeFile(`${CRONTABS}/${name}`, "* * * * * true\n", { mode: 0o600 });
  await writeFile(his, `# his\n0 5 * * * ${name} true\n`);
  await writeFile(shared, `0 5 * * * ${name} true\n0 5 * * * root true\n`);
  await writeFile(others, `0 5 * * * root echo ${name}\n0 5 * * * ${name}2 true\n`);
  await mkdir("/var/spool/cron/atjobs", { recursive: true });
  const job = `/var/spool/cron/atjobs/a${name.slice(3)}`;
  await writeFile(job, "true\n");
  await chown(job, uid, gid);
  const lists = join(folder.path, "xray");
  await mkdir(lists);
  await writeFile(
    join(lists, "bw-limit.conf"),
    `# limits\n${name} 10 ssh\n${name}2 20 ssh\nx${name} 1 ssh\n`,
  );
  await writeFile(join(lists, `ssh-${name}.txt`), "page\n");
  const archive = join(folder.path, "deleted", `${name}-1`);
  const order = {
    ...{ login: it.login, archive, archiveHome: true, legacyDirectory: lists, publicDirectory: lists },
    trace: join(folder.path, "trace"),
  };
  return {
    ...it,
    order,
    name,
    /** Runs in a process of its own, which dies before `step`, or not. */
    remove: (step = ""): Promise<{ stdout: string }> =>
      promisify(execFile)(process.execPath, [PROGRAM, JSON.stringify(order), step], { timeout: 30_000 }),
    async expectGone(): Promise<void> {
      expect(it.now()).toBeUndefined();
      for (const file of ["/etc/shadow", "/etc/group", "/etc/subuid", "/etc/subgid"]) {
        const left = readFileSync(file, "utf8")
          .split("\n")
          .filter((line) => line.startsWith(`${name}:`));
        expect(left, file).toEqual([]);
      }
      expect(processesOf(uid)).toEqual([]);
      for (const path of [home, `${CRONTABS}/${name}`, his, job, join(lists, `ssh-${name}.txt`)]) {
        expect(existsSync(path), path).toBe(false);
      }
      expect(existsSync(shared) && existsSync(others)).toBe(true);
      expect(await readFile(join(lists, "bw-limit.conf"), "utf8")).toBe(
        `# limits\n${name}2 20 ssh\nx${name} 1 ssh\n`,
      );
      expect((await readdir(archive)).sort()).toEqual(
        [
          "account-removed",
          "account.json",
          `cron.d-${name}-his`,
          "crontab",
          "group",
          "home.tar.gz",
          "passwd",
          "shadow",
        ].sort(),
      );
      expect((await stat(archive)).mode & 0o777).toBe(0o700);
      expect((await stat(join(archive, "shadow"))).mode & 0o777).toBe(0o600);
      expect(await readFile(join(archive, "passwd"), "utf8")).toBe(`${it.login.line}\n`);
      expect(await readFile(join(archive, "shadow"), "utf8")).toMatch(new RegExp(`^${name}:!?\\$6\\$x\\$y:`));
      expect(await readFile(join(archive, "crontab"), "utf8")).toBe("* * * * * true\n");
      expect(await readFile(join(archive, "account.json"), "utf8")).toBe('{"username":"him"}\n');
      const content = execFileSync("tar", ["-tzf", join(archive, "home.tar.gz")]).toString();
      expect(content).toContain(`${name}/notes`);
    },
    [Symbol.asyncDispose]: async () => {
      await it[Symbol.asyncDispose]();
      for (const path of [his, shared, others, `${CRONTABS}/${name}`, job]) execFileSync("rm", ["-f", path]);
      await folder.remove();
    },
  };
}

describe.skipIf(missing)(`removeLogin()${missing}`, () => {
  test("leaves nothing of him but the archive, and says what it left alone", async () => {
    await using it = await customer();
    const busy = spawn("sleep", ["60"], { uid: it.login.uid, gid: it.login.gid });
    const ended = once(busy, "exit");
    const { stdout } = await it.remove();
    await ended;
    await it.expectGone();
    expect((JSON.parse(stdout) as RemovalReport).notes).toEqual([
      `${CRON}/${it.name}-shared runs as others too: left alone`,
    ]);
  });

  test.for(REMOVAL_STEPS)(
    "cut off before the step %s it is finished by the next run, archive whole",
    { timeout: 30_000 },
    async (step) => {
      await using it = await customer();
      await expect(it.remove(step)).rejects.toMatchObject({ signal: "SIGKILL" });
      const after = REMOVAL_STEPS.indexOf(step);
      if (after > REMOVAL_STEPS.indexOf("lock") && it.now()) {
        expect(lockOf(it.name)).toEqual({ wasLocked: true, expire: "1" });
      }
      await it.remove();
      await it.expectGone();
    },
  );

  test("leaves a login alone that got the name meanwhile", async () => {
    await using it = await customer();
    await expect(it.remove("kernel")).rejects.toMatchObject({ signal: "SIGKILL" });
    await using heir = makeLogin();
    const { uid } = heir.login;
    execFileSync("usermod", ["--login", it.name, heir.login.name]);
    try {
      const { stdout } = await it.remove();
      expect((JSON.parse(stdout) as RemovalReport).notes).toEqual([
        `the name ${it.name} is another's by now (uid ${uid}): his login was left alone`,
      ]);
      expect(it.now()?.uid).toBe(uid);
      expect(lockOf(it.name).expire).toBe("");
    } finally {
      execFileSync("usermod", ["--login", heir.login.name, it.name]);
    }
  });

  test("waits for another program that holds the password files", async () => {
    await using it = await customer();
    // Held as lckpwdf(3) does: a lock on /etc/.pwd.lock, let go after a while.
    const holder = spawn("python3", [
      "-c",
      "import fcntl,time; f=open('/etc/.pwd.lock','w'); fcntl.lockf(f, fcntl.LOCK_EX); print('held', flush=True); time.sleep(1)",
    ]);
    await once(holder.stdout, "data");
    await it.remove();
    await it.expectGone();
  });

  test("names the step that failed, and takes nothing away behind it", async () => {
    await using it = await customer();
    const hands = {
      shutGate: async () => undefined,
      endSessions: () => Promise.reject(new Error("2 processes of his do not end")),
      dropKernelObjects: async () => undefined,
      accountState: () => "{}",
      onStep: () => undefined,
    };
    await expect(removeLogin(it.order, hands)).rejects.toThrow(
      `Cannot delete login "${it.name}" at step "sessions": 2 processes of his do not end`,
    );
    expect(it.now()).toBeDefined();
    expect(lockOf(it.name)).toEqual({ wasLocked: true, expire: "1" });
    expect(existsSync(it.login.home)).toBe(true);
    expect(existsSync(it.order.archive)).toBe(false);
  });
});
