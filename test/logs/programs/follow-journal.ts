/**
 * Follows the journal, and answers orders on its input with a line of JSON each:
 *
 *   say PROGRAM TEXT   has a shell of that name write to the journal, as dropbear
 *   past PIDS          what was told of these processes before
 *   lose               ends journalctl
 *
 * Logins that are heard of come unasked.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { childrenOf, executableOf } from "../../../src/kernel/processes.ts";
import { openLoginLog } from "../../../src/logs/login-log.ts";

const answer = (value: object) => console.log(JSON.stringify(value));
const log = openLoginLog({ paths: [], journal: true }, ({ pid, user }) => answer({ heard: [pid, user] }));

/** The shell writes while it lives: the journal asks /proc which program a writer runs. */
async function say(program: string, text: string): Promise<number> {
  const script = 'printf "%s\\n" "$$" >&3; printf "%s\\n" "$1"; sleep 0.3';
  const child = spawn("systemd-cat", ["-t", "dropbear", program, "-c", script, "sh", text], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const [pid] = await once(child.stdio[3] as NodeJS.ReadableStream, "data");
  await once(child, "exit");
  return Number(pid);
}

const orders: Record<string, (rest: string) => Promise<object>> = {
  say: async (rest) => {
    const [program = "", ...words] = rest.split(" ");
    return { said: await say(program, words.join(" ")) };
  },
  past: async (rest) => {
    const logins = await log.readBack(new Set(rest.split(" ").map(Number)));
    return { past: logins.map(({ pid, user }) => [pid, user]), trouble: log.trouble };
  },
  lose: async () => {
    const lost = childrenOf(process.pid).filter((pid) => executableOf(pid)?.endsWith("/journalctl"));
    for (const pid of lost) process.kill(pid, "SIGKILL");
    return { lost: lost.length };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [, order = "", rest = ""] = /^(\w+) ?(.*)$/.exec(line) ?? [];
  answer((await orders[order]?.(rest)) ?? { unknown: line });
}
