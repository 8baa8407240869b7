/** Prints a line of JSON for each login the journal tells of, and for each "past PIDS" on its input what it told before. */
import { createInterface } from "node:readline";
import { openLoginLog } from "../../../../src/sources/ssh/login-log.ts";

const log = openLoginLog({ paths: [], journal: true }, ({ pid, user }) => {
  console.log(JSON.stringify({ heard: [pid, user] }));
});
const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const pids = new Set(line.split(" ").slice(1).map(Number));
  void log.readBack(pids).then((logins) => {
    console.log(JSON.stringify({ past: logins.map(({ pid, user }) => [pid, user]), trouble: log.trouble }));
  });
});
input.on("close", () => log[Symbol.dispose]());
