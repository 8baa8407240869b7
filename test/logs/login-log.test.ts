import { appendFile, mkdtempDisposable, rename, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { LoginLine } from "../../src/logs/login-line.ts";
import { openLoginLog } from "../../src/logs/login-log.ts";

const line = (pid: number, user: string) =>
  `Nov 21 05:51:27 host dropbear[${pid}]: Password auth succeeded for '${user}' from 203.0.113.9:51234\n`;

async function opened(content?: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-login-"));
  const path = join(folder.path, "auth.log");
  if (content !== undefined) await writeFile(path, content);
  const heard: LoginLine[] = [];
  const other = join(folder.path, "secure");
  const log = openLoginLog({ paths: [path, other], journal: false }, (login) => heard.push(login));
  return {
    path,
    other,
    log,
    news: () => {
      log.catchUp();
      return heard.splice(0).map(({ pid, user }) => [pid, user] as const);
    },
    past: async (...pids: number[]) =>
      (await log.readBack(new Set(pids))).map(({ pid, user }) => [pid, user]),
    async [Symbol.asyncDispose]() {
      log[Symbol.dispose]();
      await folder.remove();
    },
  };
}

describe("openLoginLog(), with files", () => {
  test("tells of each login from now on, and of nothing else that is logged", async () => {
    await using log = await opened(line(1, "old"));
    expect(log.news()).toEqual([]);
    await appendFile(log.path, `Nov 21 05:51:27 host cron[5]: nothing\n${line(2, "joe")}${line(3, "amy")}`);
    expect(log.news()).toEqual([
      [2, "joe"],
      [3, "amy"],
    ]);
    expect(log.news()).toEqual([]);
  });

  test("goes on through rotation, truncation and in a file that comes late", async () => {
    await using log = await opened("");
    await rename(log.path, `${log.path}.1`);
    await writeFile(log.path, line(2, "joe"));
    expect(log.news()).toEqual([[2, "joe"]]);
    await truncate(log.path, 0);
    expect(log.news()).toEqual([]);
    await appendFile(log.path, line(3, "amy"));
    await writeFile(log.other, line(4, "eve"));
    expect(new Map(log.news())).toEqual(
      new Map([
        [3, "amy"],
        [4, "eve"],
      ]),
    );
  });

  test("finds earlier logins of the processes asked for, oldest first, in the rotated file as well", async () => {
    await using log = await opened(line(7, "new") + line(8, "other") + line(9, "half").slice(0, -1));
    await writeFile(`${log.path}.1`, line(7, "old"));
    expect(await log.past(7, 9)).toEqual([
      [7, "old"],
      [7, "new"],
    ]);
    expect(await log.past(6)).toEqual([]);
    expect(await log.past()).toEqual([]);
  });

  test("looks through the last 16 MiB, and takes the end of a line there for no line", async () => {
    const tail = line(8, "tail");
    const inner = line(7, "inner");
    const filler = Buffer.alloc((16 << 20) - inner.length - tail.length, `${"x".repeat(99)}\n`);
    filler[filler.length - 1] = 0x0a;
    await using log = await opened();
    await writeFile(
      log.path,
      Buffer.concat([Buffer.from(line(6, "before") + inner), filler, Buffer.from(tail)]),
    );
    expect(await log.past(6, 7, 8)).toEqual([[8, "tail"]]); // exactly at the border nobody knows what stood before
    await writeFile(log.path, Buffer.concat([Buffer.from(`x${inner}`), filler, Buffer.from(tail)]));
    expect(await log.past(7, 8)).toEqual([[8, "tail"]]);
    await writeFile(log.path, Buffer.concat([Buffer.from(inner), filler, Buffer.from(tail)]));
    expect(await log.past(7, 8)).toEqual([
      [7, "inner"],
      [8, "tail"],
    ]);
  });

  test("takes no line out of a name", async () => {
    await using log = await opened();
    const name = `x\u2028${line(7, "victim").trim()}`;
    const text = `Nov 21 05:51:27 host sshd[5]: Invalid user ${name} from 203.0.113.9\n`;
    await writeFile(log.path, text);
    expect(log.news()).toEqual([]);
    expect(await log.past(7)).toEqual([]);
  });

  test("is in trouble while no file can be read, and not with one of two", async () => {
    await using log = await opened();
    expect(log.log.trouble).toMatch(
      /auth\.log: it does not exist yet, .*secure: it does not exist yet, no journal$/,
    );
    await writeFile(log.path, "");
    log.log.catchUp();
    expect(log.log.trouble).toBeUndefined();
  });

  test("is in trouble without any log to read", () => {
    using log = openLoginLog({ paths: [], journal: false }, () => undefined);
    expect(log.trouble).toBe("no journal");
  });
});
