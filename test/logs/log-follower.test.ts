import { readdirSync, readlinkSync } from "node:fs";
import { appendFile, mkdir, mkdtempDisposable, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import { LogFollower } from "../../src/logs/log-follower.ts";

/** A log of its own in a folder of its own, with the lines a follower told of. */
async function followed(content?: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-log-"));
  const path = join(folder.path, "access.log");
  if (content !== undefined) await writeFile(path, content);
  const lines: string[] = [];
  const follower = new LogFollower(path, (line) => lines.push(line));
  return {
    path,
    follower,
    /** Every line told of since the last call. */
    news: () => {
      follower.catchUp();
      return lines.splice(0);
    },
    lines,
    [Symbol.asyncDispose]: async () => {
      follower[Symbol.dispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Descriptors of this process that lead to the file. */
const descriptorsTo = (path: string) =>
  readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`) === path;
    } catch {
      return false; // the descriptor readdir itself used
    }
  }).length;

describe("LogFollower", () => {
  test("tells of each line once, from its start on, in order", async () => {
    await using log = await followed("old 1\nold 2\n");
    expect(log.news()).toEqual([]);
    await appendFile(log.path, "new 1\nnew 2\n");
    expect(log.news()).toEqual(["new 1", "new 2"]);
    expect(log.news()).toEqual([]);
    await appendFile(log.path, "new 3\n");
    expect(log.news()).toEqual(["new 3"]);
  });

  test("keeps half a line until its other half comes", async () => {
    await using log = await followed("");
    await appendFile(log.path, "whole\nfirst ha");
    expect(log.news()).toEqual(["whole"]);
    await appendFile(log.path, "lf, sec");
    expect(log.news()).toEqual([]);
    await appendFile(log.path, "ond half\nnext\n");
    expect(log.news()).toEqual(["first half, second half", "next"]);
  });

  test("puts a character together whose bytes come in two writes", async () => {
    await using log = await followed("");
    const line = Buffer.from("email: é日本\n");
    await appendFile(log.path, line.subarray(0, 8));
    expect(log.news()).toEqual([]);
    await appendFile(log.path, line.subarray(8));
    expect(log.news()).toEqual(["email: é日本"]);
  });

  test("replaces bytes that are no UTF-8 and goes on behind them", async () => {
    await using log = await followed("");
    await appendFile(log.path, Buffer.from("a\xffb\nnext\n", "latin1"));
    expect(log.news()).toEqual(["a\ufffdb", "next"]);
  });

  test("reads the renamed file to its end and goes over to the new one from its start", async () => {
    await using log = await followed("old\n");
    await appendFile(log.path, "last of the old\n");
    await rename(log.path, `${log.path}.1`);
    await appendFile(`${log.path}.1`, "written after the rename\n");
    await writeFile(log.path, "first of the new\n");
    expect(log.news()).toEqual(["last of the old", "written after the rename", "first of the new"]);
    await appendFile(log.path, "second of the new\n");
    expect(log.news()).toEqual(["second of the new"]);
  });

  test("goes on reading the renamed file beside the new one, as the engine goes on writing it", async () => {
    await using log = await followed("");
    await rename(log.path, `${log.path}.1`);
    await writeFile(log.path, "first of the new\n");
    expect(log.news()).toEqual(["first of the new"]);
    await appendFile(`${log.path}.1`, "late in the old\n");
    await appendFile(log.path, "second of the new\n");
    expect(log.news()).toEqual(["late in the old", "second of the new"]);
  });

  test("goes on with the renamed file while there is no new one", async () => {
    await using log = await followed("");
    await rename(log.path, `${log.path}.1`);
    await appendFile(`${log.path}.1`, "still the old\n");
    expect(log.news()).toEqual(["still the old"]);
    expect(log.follower.trouble).toBeUndefined();
  });

  test("does not join half a line of the old file to the new one", async () => {
    await using log = await followed("");
    await appendFile(log.path, "torn by the rota");
    expect(log.news()).toEqual([]);
    await rename(log.path, `${log.path}.1`);
    await writeFile(log.path, "first of the new\n");
    expect(log.news()).toEqual(["first of the new"]);
  });

  test("begins anew when the file is emptied in place, as nightly scripts do", async () => {
    await using log = await followed("a long line from yesterday\n");
    await appendFile(log.path, "before, and half a li");
    expect(log.news()).toEqual([]);
    await truncate(log.path, 0);
    expect(log.news()).toEqual([]);
    await appendFile(log.path, "after\n");
    expect(log.news()).toEqual(["after"]);
  });

  test("begins anew when the file was emptied and has grown a little again", async () => {
    await using log = await followed(`${"x".repeat(100)}\n`);
    await truncate(log.path, 0);
    await appendFile(log.path, "after\n");
    expect(log.news()).toEqual(["after"]);
  });

  test("waits for a file that does not exist yet, and says so, and then reads it whole", async () => {
    await using log = await followed();
    expect(log.follower.trouble).toBe("it does not exist yet");
    expect(log.news()).toEqual([]);
    await writeFile(log.path, "first\n");
    expect(log.news()).toEqual(["first"]);
    expect(log.follower.trouble).toBeUndefined();
  });

  test("follows a file that was removed and made anew", async () => {
    await using log = await followed("old\n");
    await rm(log.path);
    expect(log.news()).toEqual([]);
    await writeFile(log.path, "new\n");
    expect(log.news()).toEqual(["new"]);
  });

  test("says what is wrong with a path that cannot be read, and does not throw", async () => {
    await using log = await followed();
    await mkdir(log.path);
    expect(log.news()).toEqual([]);
    expect(log.follower.trouble).toBe("EISDIR");
    await rm(log.path, { recursive: true });
    await writeFile(log.path, "a file at last\n");
    log.news();
    await appendFile(log.path, "and a line\n");
    expect(log.news()).toContain("and a line");
    expect(log.follower.trouble).toBeUndefined();
  });

  test("passes a burst larger than what it reads at a time, line by line", async () => {
    await using log = await followed("");
    const burst = Array.from({ length: 20_000 }, (_, index) => `line ${index} ${"x".repeat(index % 50)}`);
    await appendFile(log.path, `${burst.join("\n")}\n`);
    expect(log.news()).toEqual(burst);
  });

  test("tells whole of a line far longer than what it reads at a time", async () => {
    await using log = await followed("");
    const long = `GET /${"x".repeat(700_000)}`;
    await appendFile(log.path, `${long.slice(0, 300_000)}`);
    expect(log.news()).toEqual([]);
    await appendFile(log.path, `${long.slice(300_000)}\nnext\n`);
    expect(log.news()).toEqual([long, "next"]);
  });

  test("passes over a line of more than a megabyte, and its end, which would pass for a line", async () => {
    await using log = await followed("");
    await appendFile(log.path, `before\n${"x".repeat(3_000_000)}`);
    expect(log.news()).toEqual(["before"]);
    await appendFile(log.path, `tail\nnext\n`);
    expect(log.news()).toEqual(["next"]);
  });

  test("passes over the rest of a line that was under way when it began", async () => {
    await using log = await followed("old\nunder w");
    await appendFile(log.path, "ay\nnext\n");
    expect(log.news()).toEqual(["next"]);
  });

  test.for(["\n", "x"])("begins behind a file of nothing but %j", async (content) => {
    await using log = await followed(content);
    await appendFile(log.path, "\nnext\n");
    expect(log.news().filter((line) => line !== "")).toEqual(["next"]);
  });

  test("tells nothing again, and nothing of the time between, after a restart", async () => {
    await using log = await followed("old\n");
    await appendFile(log.path, "told\n");
    expect(log.news()).toEqual(["told"]);
    log.follower[Symbol.dispose]();
    await appendFile(log.path, "while nobody followed\n");
    const lines: string[] = [];
    using again = new LogFollower(log.path, (line) => lines.push(line));
    await appendFile(log.path, "new\n");
    again.catchUp();
    expect(lines).toEqual(["new"]);
  });

  test("goes on behind zeros, as a writer leaves them who did not hear of a truncation", async () => {
    await using log = await followed("before\n");
    await truncate(log.path, 0);
    expect(log.news()).toEqual([]);
    await appendFile(log.path, Buffer.concat([Buffer.alloc(3_000_000), Buffer.from("swallowed\nnext\n")]));
    expect(log.news()).toEqual(["next"]);
    await appendFile(log.path, "a\0b\n");
    expect(log.news()).toEqual(["a\0b"]);
  });

  test("takes every sequence of bytes, cut anywhere, for the lines that they are", async () => {
    await using log = await followed("");
    const bytes = Buffer.from(
      Array.from({ length: 20_000 }, (_, index) => (index * 7919 + (index >> 8)) % 256),
    );
    for (let at = 0; at < bytes.length; at += 997) {
      await appendFile(log.path, bytes.subarray(at, at + 997));
      log.follower.catchUp();
    }
    await appendFile(log.path, "\n");
    const want = [...bytes.toString("latin1").split("\n")].map((line) =>
      Buffer.from(line, "latin1").toString(),
    );
    expect(log.news()).toEqual(want);
  });

  test("hears of lines by itself, without being asked", async () => {
    await using log = await followed("");
    await appendFile(log.path, "by itself\n");
    await vi.waitFor(() => expect(log.lines).toEqual(["by itself"]), { timeout: 5000, interval: 5 });
  });

  test("leaves nothing open behind it, even with a batch under way", async () => {
    await using log = await followed("");
    await appendFile(log.path, "news\n");
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(log.news()).toEqual(["news"]);
    expect(descriptorsTo(log.path)).toBe(1);
    log.follower[Symbol.dispose]();
    await appendFile(log.path, "too late\n");
    await delay(50); // several batches: only time can show that nothing follows
    expect(descriptorsTo(log.path)).toBe(0);
    expect(log.lines).toEqual([]);
  });
});
