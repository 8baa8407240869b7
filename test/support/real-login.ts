/** A login of this very host, for tests that delete it or lock it. Its uid is far from all others. */
import { execFileSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { endProcesses, processesOf } from "../../src/kernel/processes.ts";
import { type Login, parsePasswd } from "../../src/sources/ssh/logins.ts";

export interface RealLogin extends AsyncDisposable {
  readonly login: Login;
  /** As /etc/passwd has it now. */
  now(): Login | undefined;
}

export const LOWEST_TEST_UID = 61_000;
const MOST = 4_000;
const TRIES = 20;

/** @param options what useradd takes beside name and uid. */
export function makeLogin(...options: readonly string[]): RealLogin {
  for (let attempt = 1; ; attempt += 1) {
    const name = `slu${randomBytes(4).toString("hex")}`;
    const uid = LOWEST_TEST_UID + randomInt(MOST);
    try {
      const shell = options.includes("--shell") ? [] : ["--shell", "/bin/false"];
      execFileSync("useradd", ["--uid", String(uid), ...shell, ...options, name], { stdio: "pipe" });
      return loginOf(name);
    } catch (error) {
      if (attempt === TRIES) throw error; // another test took the uid, or holds the lock
    }
  }
}

function loginOf(name: string): RealLogin {
  const now = () => parsePasswd(readFileSync("/etc/passwd", "utf8")).find((each) => each.name === name);
  const login = now();
  if (!login) throw new Error(`useradd made no "${name}"`);
  return {
    login,
    now,
    [Symbol.asyncDispose]: async () => {
      await endProcesses(() => processesOf(login.uid));
      if (now()?.uid === login.uid) execFileSync("userdel", ["--force", name], { stdio: "pipe" });
      if (login.home.startsWith("/home/slu")) rmSync(login.home, { recursive: true, force: true });
    },
  };
}
