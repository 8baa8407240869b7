/**
 * What happens to name, uid and processes between two runs of a deletion, or
 * while it runs. Where the system's own files are not needed, /etc and /home
 * are a tree of the test's own in which the account is gone already.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chown, mkdir, mkdtempDisposable, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  REMOVAL_STEPS,
  type RemovalHands,
  type RemovalOrder,
  type RemovalStep,
  removeLogin,
} from "../../../src/enforcement/ssh/removal.ts";
import type { SystemPaths } from "../../../src/enforcement/ssh/system-paths.ts";
import { endProcesses, processesOf } from "../../../src/kernel/processes.ts";
import { parsePasswd } from "../../../src/sources/ssh/logins.ts";
import { makeLogin } from "../../support/real-login.ts";
import { needs } from "../../support/requirements.ts";

const ME = process.geteuid?.() ?? 0;
const ROOT = "root:x:0:0:root:/root:/bin/bash\n";

/** What the hands were told, in order, behind the steps. */
function handsThatListen(): RemovalHands & { readonly heard: string[] } {
  const heard: string[] = [];
  return {
    heard,
    shutGate: async () => void heard.push("shut"),
    endSessions: async () => void heard.push("end"),
    dropKernelObjects: async () => void heard.push("drop"),
    accountState: () => "{}\n",
    onStep: (step: RemovalStep) => void heard.push(step),
  };
}

/** A system whose joe was deleted by a run that got as far as his account; his other things are still there. */
async function halfDeleted(passwd: string, shadow = "") {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-races-"));
  const at = (path: string) => join(folder.path, path);
  for (const each of ["home/joe", "crontabs", "cron.d", "atjobs", "mail", "linger"])
    await mkdir(at(each), { recursive: true });
  await writeFile(at("passwd"), passwd);
  await writeFile(at("shadow"), shadow);
  for (const each of ["group", "subuid", "subgid", "mounts", "sudoers"]) await writeFile(at(each), "");
  for (const each of ["crontabs/joe", "atjobs/a0001", "mail/joe", "linger/joe"])
    await writeFile(at(each), each);
  await writeFile(at("cron.d/joe"), "0 5 * * * joe true\n");
  const paths: SystemPaths = {
    ...{ passwd: at("passwd"), shadow: at("shadow"), group: at("group") },
    ...{ subuid: at("subuid"), subgid: at("subgid"), sudoers: at("sudoers") },
    ...{ homes: at("home"), crontabs: [at("crontabs")], cronFolder: at("cron.d"), atJobs: at("atjobs") },
    ...{ mail: at("mail"), linger: at("linger"), mounts: at("mounts") },
  };
  const [login] = parsePasswd(`joe:x:${ME}:${ME}::${at("home/joe")}:/bin/false`);
  if (!login) throw new Error("no login");
  const order: RemovalOrder = {
    ...{ login, archive: at("archive/joe"), archiveHome: false },
    ...{ legacyDirectory: null, publicDirectory: null },
  };
  return {
    ...{ at, paths, order },
    left: () =>
      ["home/joe", "crontabs/joe", "cron.d/joe", "atjobs/a0001", "mail/joe", "linger/joe"].filter((each) =>
        existsSync(at(each)),
      ),
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

describe("removeLogin(), of one who is gone from /etc/passwd", () => {
  test("takes away what is left of him, all steps in order", async () => {
    await using it = await halfDeleted("");
    const hands = handsThatListen();
    expect(await removeLogin(it.order, hands, it.paths)).toEqual({ notes: [] });
    expect(it.left()).toEqual([]);
    expect(hands.heard.filter((what) => REMOVAL_STEPS.some((step) => step === what))).toEqual(REMOVAL_STEPS);
    expect(hands.heard.filter((what) => ["shut", "end", "drop"].includes(what))).toEqual([
      "shut",
      "end",
      "drop",
    ]);
    expect((await readdir(it.at("archive/joe"))).sort()).toEqual([
      "account-removed",
      "account.json",
      "cron.d-joe",
      "crontab",
      "group",
      "passwd",
      "shadow",
    ]);
    expect(await removeLogin(it.order, hands, it.paths)).toEqual({ notes: [] });
  });

  test("leaves the processes, jobs and home of one who got his uid since", async () => {
    await using it = await halfDeleted("");
    await writeFile(it.at("passwd"), `jim:x:${ME}:${ME}::${it.at("home/joe")}:/bin/false\n`);
    const hands = handsThatListen();
    const { notes } = await removeLogin(it.order, hands, it.paths);
    expect(hands.heard).not.toContain("end");
    expect(it.left()).toEqual(["home/joe", "atjobs/a0001"]);
    expect(notes).toEqual([
      `uid ${ME} is now jim's: its processes, jobs and files were left alone`,
      `his home stays: jim lives in ${it.at("home/joe")}`,
    ]);
  });

  test("leaves everything under his name to one who got the name since", async () => {
    await using it = await halfDeleted(
      `joe:x:${ME + 1}:1::/home/joe:/bin/false\n`,
      "joe:secret:1:0:9:7:::\n",
    );
    const hands = handsThatListen();
    const { notes } = await removeLogin(it.order, hands, it.paths);
    expect(hands.heard).toContain("end");
    expect(it.left()).toEqual(["home/joe", "crontabs/joe", "cron.d/joe", "mail/joe", "linger/joe"]);
    expect(notes).toEqual([`the name joe is another's by now (uid ${ME + 1}): his login was left alone`]);
    expect(await readdir(it.at("archive/joe"))).not.toContain("shadow");
    expect(await readFile(it.at("archive/joe/passwd"), "utf8")).toBe(`${it.order.login.line}\n`);
  });

  test("leaves everything to one who got name and uid again, as useradd gives them", async () => {
    await using it = await halfDeleted("");
    const broken = { ...handsThatListen(), dropKernelObjects: () => Promise.reject(new Error("no answer")) };
    await expect(removeLogin(it.order, broken, it.paths)).rejects.toThrow('at step "kernel": no answer');
    await using heir = await halfDeleted("");
    await writeFile(heir.at("passwd"), `${it.order.login.line}\n`);
    const hands = handsThatListen();
    const { notes } = await removeLogin(it.order, hands, heir.paths);
    expect(hands.heard).not.toContain("end");
    expect(hands.heard).toContain("drop");
    expect(heir.left()).toHaveLength(6);
    expect(notes).toEqual([
      `the name joe is another's by now (uid ${ME}): his login was left alone`,
      `uid ${ME} is now joe's: its processes, jobs and files were left alone`,
    ]);
  });

  test("touches nothing of one who shares his uid by now", async () => {
    await using it = await halfDeleted("");
    await writeFile(
      it.at("passwd"),
      `${it.order.login.line}\n${it.order.login.line.replace("joe", "jim")}\n`,
    );
    const hands = handsThatListen();
    await expect(removeLogin(it.order, hands, it.paths)).rejects.toThrow(`jim has his uid ${ME} too`);
    expect(hands.heard).toEqual([]);
    expect(it.left()).toHaveLength(6);
  });

  test.for(["../joe", "--help", "-rf", ".", "", "joe\n", "a/b", "joe smith"])(
    "does not begin with the name %j",
    async (name) => {
      await using it = await halfDeleted(ROOT);
      const order = { ...it.order, login: { ...it.order.login, name } };
      const hands = handsThatListen();
      await expect(removeLogin(order, hands, it.paths)).rejects.toThrow(RangeError);
      expect(hands.heard).toEqual([]);
      expect(it.left()).toHaveLength(6);
    },
  );

  test("a step that fails is named, with its cause, and the next run does the rest", async () => {
    await using it = await halfDeleted("");
    await writeFile(it.at("archive"), "in the way");
    const failed = removeLogin(it.order, handsThatListen(), it.paths);
    await expect(failed).rejects.toThrow('Cannot delete login "joe" at step "archive": ');
    await expect(failed).rejects.toHaveProperty("cause.code", "ENOTDIR");
    expect(it.left()).toHaveLength(6);
    await rm(it.at("archive"));
    await removeLogin(it.order, handsThatListen(), it.paths);
    expect(it.left()).toEqual([]);
  });

  const missing = needs("root");
  test.skipIf(missing)(`leaves mail and jobs that are not his${missing}`, async () => {
    await using it = await halfDeleted("");
    for (const each of ["mail/joe", "atjobs/a0001"]) await chown(it.at(each), 61_000, 61_000);
    await removeLogin(it.order, handsThatListen(), it.paths);
    expect(it.left()).toEqual(["atjobs/a0001", "mail/joe"]);
  });
});

describe("removeLogin(), of one with a process that came late", () => {
  const missing = needs("root", "useradd", "userdel", "usermod");
  test.skipIf(missing)(`ends his sessions again when userdel finds him busy${missing}`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-busy-"));
    await using it = makeLogin("--create-home");
    const { login } = it;
    let ended = 0;
    let late: ReturnType<typeof spawn> | undefined;
    const order: RemovalOrder = {
      ...{ login, archive: join(folder.path, "deleted", login.name), archiveHome: false },
      ...{ legacyDirectory: null, publicDirectory: null },
    };
    await removeLogin(order, {
      ...handsThatListen(),
      endSessions: async () => {
        ended += 1;
        await endProcesses(() => processesOf(login.uid));
      },
      onStep: (step) => {
        if (step === "account") late = spawn("sleep", ["60"], { uid: login.uid, gid: login.gid, cwd: "/" });
      },
    });
    if (late?.exitCode === null && late.signalCode === null) await once(late, "exit");
    expect(late?.signalCode).toBe("SIGKILL");
    expect(ended).toBe(2);
    expect(it.now()).toBeUndefined();
    expect(existsSync(login.home)).toBe(false);
  });
});
