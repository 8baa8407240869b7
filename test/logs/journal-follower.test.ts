import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const JOURNALD = "/lib/systemd/systemd-journald";
const missing =
  needs("root", "unshare", "journalctl", "systemd-cat") ||
  (existsSync(JOURNALD) ? "" : ` (needs: ${JOURNALD})`);

interface Answer {
  readonly heard?: readonly [pid: number, user: string];
  readonly said?: number;
  readonly past?: readonly (readonly [pid: number, user: string])[];
  readonly trouble?: string;
  readonly lost?: number;
}

/** A journal in namespaces of its own, which end with it, and a shell that passes for dropbear. */
async function startJournal() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-journal-"));
  const dropbear = join(folder.path, "dropbear");
  await copyFile("/bin/sh", dropbear);
  const programs = join(import.meta.dirname, "programs");
  const command = ["sh", join(programs, "journal.sh"), process.execPath, join(programs, "follow-journal.ts")];
  const child = spawn(
    "unshare",
    ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--", ...command],
    { stdio: ["pipe", "pipe", "ignore"] },
  );
  const ended = once(child, "exit");
  const heard: (readonly [number, string])[] = [];
  const answers: Answer[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const answer = JSON.parse(line) as Answer;
    if (answer.heard) heard.push(answer.heard);
    else answers.push(answer);
  });
  const ask = async (order: string) => {
    child.stdin.write(`${order}\n`);
    return until(`"${order}" is answered`, () => answers.shift());
  };
  return {
    heard,
    ask,
    say: async (user: string, program = dropbear) => {
      const text = `Password auth succeeded for '${user}' from 203.0.113.9:51234`;
      const { said = 0 } = await ask(`say ${program} ${text}`);
      return said;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      await folder.remove();
    },
  };
}

describe.skipIf(missing)(`openLoginLog(), with the journal${missing}`, { timeout: 40_000 }, () => {
  test("hears the daemon's word at once, and not another program's under its name", async () => {
    await using journal = await startJournal();
    // journalctl says nothing when it is ready: the first is asked for until one is heard.
    await until(
      "journalctl follows",
      async () => (await journal.say("first")) > 0 && journal.heard.length > 0,
    );
    journal.heard.splice(0);
    await journal.say("forged", "/bin/sh");
    const pid = await journal.say("joe");
    await until("the login is heard of", () => journal.heard.length > 0);
    expect(journal.heard).toEqual([[pid, "joe"]]);
  });

  test("finds what was told before of the processes asked for", async () => {
    await using journal = await startJournal();
    const first = await journal.say("joe");
    await journal.say("forged", "/bin/sh");
    const second = await journal.say("amy");
    expect(await journal.ask(`past ${first} 1`)).toEqual({ past: [[first, "joe"]] });
    expect(await journal.ask(`past ${first} ${second}`)).toEqual({
      past: [
        [first, "joe"],
        [second, "amy"],
      ],
    });
  });

  test("misses nothing that is told while journalctl has to be started again", async () => {
    await using journal = await startJournal();
    await until(
      "journalctl follows",
      async () => (await journal.say("first")) > 0 && journal.heard.length > 0,
    );
    expect(await journal.ask("lose")).toEqual({ lost: 1 });
    const pid = await journal.say("joe");
    expect((await journal.ask("past 1")).trouble).toMatch(/SIGKILL/);
    await until("the login is heard of", () => journal.heard.some(([, user]) => user === "joe"));
    expect(journal.heard).toContainEqual([pid, "joe"]);
    expect(await journal.ask("past 1")).toEqual({ past: [] });
  });
});
