/** `sluice web` as a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { CLI, type Sluice } from "./sluice.ts";
import { until } from "./until.ts";

/** @param port of 127.0.0.1, as in the settings. @throws {Error} with what it said when it does not listen. */
export async function startWebProcess(sluice: Sluice, port: number): Promise<AsyncDisposable> {
  const child = spawn(process.execPath, [CLI, "web", "--config", sluice.settingsPath], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  const exited = once(child, "exit");
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
  };
  try {
    await until("the web listens", async () => {
      if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`);
      return (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined))?.ok;
    });
  } catch (error) {
    await end();
    throw new Error(`Cannot start the web: ${(error as Error).message}: ${said}`, { cause: error });
  }
  return { [Symbol.asyncDispose]: end };
}

/** Makes the first admin, by the command that operators use. */
export async function addAdmin(sluice: Sluice, name: string, password: string): Promise<void> {
  const child = spawn(
    process.execPath,
    [CLI, "admin", "add", name, "--password-stdin", "--config", sluice.settingsPath],
    { stdio: ["pipe", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  child.stdin.end(`${password}\n`);
  const [status] = (await once(child, "close")) as [number | null];
  if (status !== 0) throw new Error(`Cannot add the admin: exit status ${status}: ${said}`);
}
