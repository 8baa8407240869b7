import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, copyFile, mkdtempDisposable, rename, unlink } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { processArguments } from "../../src/kernel/process.ts";
import {
  childrenOf,
  endProcesses,
  executableOf,
  parentOf,
  processesNamed,
  processesOf,
  processesRunning,
  socketInodesOf,
} from "../../src/kernel/processes.ts";
import { openSocketTable } from "../../src/kernel/sock-diag.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { listen, start, startCommand } from "./loopback.ts";

const PIPED: ["ignore", "pipe", "inherit"] = ["ignore", "pipe", "inherit"];
/** More than any system gives out: /proc/sys/kernel/pid_max is at most 2^22. */
const NO_SUCH_PID = 5_000_000;
const missing = needs("root");

describe("processesOf()", () => {
  test("has this process under its own uid, and none under a uid nobody has", () => {
    expect(processesOf(process.getuid?.() ?? 0)).toContain(process.pid);
    expect(processesOf(4_000_000_000)).toEqual([]);
  });

  test.skipIf(missing)(`has a user's processes and not his neighbour's${missing}`, async () => {
    const uid = freeUid();
    await using user = startAs(uid, "sleep", "60");
    await using neighbour = startAs(uid + 1, "sleep", "60");
    expect(processesOf(uid)).toEqual([user.pid]);
    expect(processesOf(uid + 1)).toEqual([neighbour.pid]);
  });

  test.skipIf(missing)(
    `has a program that runs as its file's owner, whoever started it${missing}`,
    async () => {
      const uid = freeUid();
      // Not below /tmp, which may be mounted without set-user-ID.
      await using folder = await mkdtempDisposable("/var/lib/sluice-test-");
      await chmod(folder.path, 0o755);
      const program = join(folder.path, "sleep");
      await copyFile("/bin/sleep", program);
      await chown(program, uid, uid);
      await chmod(program, 0o4755);
      await using asOwner = startCommand(program, ["60"]);
      await until("the program runs", () => executableOf(asOwner.pid) === program);
      expect(processesOf(uid)).toEqual([asOwner.pid]);
    },
  );

  const missingSetpriv = needs("root", "setpriv");
  test.skipIf(missingSetpriv)(`has a process that kept but its real uid${missingSetpriv}`, async () => {
    const uid = freeUid();
    await using child = startCommand("setpriv", ["--ruid", `${uid}`, "--", "sleep", "60"]);
    await until("setpriv has become sleep", () => executableOf(child.pid)?.endsWith("sleep"));
    expect(processesOf(uid)).toEqual([child.pid]);
  });

  test.skipIf(missing)(`does not have one that has ended and waits for its parent${missing}`, async () => {
    const uid = freeUid();
    // A `sleep` takes over from the shell and never asks how the shell's child ended.
    await using parent = startAs(uid, "/bin/sh", "-c", "sleep 60 & echo $!; exec sleep 61");
    const zombie = Number(await parent.line());
    await until("the shell has become sleep", () => executableOf(parent.pid)?.endsWith("sleep"));
    expect(new Set(processesOf(uid))).toEqual(new Set([parent.pid, zombie]));
    process.kill(zombie, "SIGKILL");
    await until("the child is gone", () => !processesOf(uid).includes(zombie));
    expect(processesOf(uid)).toEqual([parent.pid]);
    expect(parentOf(zombie)).toBe(parent.pid);
  });

  const missingPython = needs("root", "python3");
  test.skipIf(missingPython)(
    `has one whose first thread has ended and others run on${missingPython}`,
    async () => {
      const uid = freeUid();
      const program =
        "import ctypes, threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nprint('on', flush=True)\nctypes.CDLL(None).pthread_exit(None)";
      await using child = startAs(uid, "python3", "-c", program);
      await child.line();
      await until("the first thread is gone", () => executableOf(child.pid) === undefined);
      expect(processesOf(uid)).toEqual([child.pid]);
      expect(await endProcesses(() => processesOf(uid))).toEqual([]);
    },
  );
});

describe("processesRunning()", () => {
  test("goes by the executable's file, not by what the process calls itself", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-processes-"));
    const program = join(folder.path, "slu-dropbear");
    await copyFile("/bin/sleep", program);
    await using real = startCommand(program, ["60"]);
    await using pretender = started(spawn("/bin/sleep", ["60"], { argv0: program, stdio: PIPED }));
    expect(processArguments(pretender.pid)).toEqual([program, "60"]);
    await until("it runs", () => executableOf(real.pid) === program);
    expect(processesRunning(new Set(["slu-dropbear"]))).toEqual([real.pid]);
    expect(processesRunning(new Set(["slu-drop", program]))).toEqual([]);
    expect(processesRunning(new Set(["slu-other", "sleep"]))).toContain(pretender.pid);
  });

  test("has one whose file was replaced by an update", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-processes-"));
    const program = join(folder.path, "slu-updated");
    await copyFile("/bin/sleep", program);
    await using child = startCommand(program, ["60"]);
    await until("it runs", () => executableOf(child.pid) === program);
    await copyFile("/bin/sleep", `${program}.new`);
    await rename(`${program}.new`, program);
    expect(executableOf(child.pid)).toBe(program);
    await unlink(program);
    expect(executableOf(child.pid)).toBe(program);
    expect(processesRunning(new Set(["slu-updated"]))).toEqual([child.pid]);
  });
});

describe("processesNamed()", () => {
  test("goes by the name a process has in the list of processes", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-processes-"));
    const program = join(folder.path, "slu-named");
    await copyFile("/bin/sleep", program);
    await using child = startCommand(program, ["60"]);
    await until("it runs", () => executableOf(child.pid) === program);
    expect(processesNamed(new Set(["slu-named"]))).toEqual([child.pid]);
    expect(processesNamed(new Set(["slu-name", program]))).toEqual([]);
  });
});

describe("childrenOf(), parentOf() and executableOf()", () => {
  test("go up and down one step, not two", async () => {
    await using parent = startCommand("/bin/sh", ["-c", "sleep 60 & echo $!; wait"]);
    const child = Number(await parent.line());
    try {
      expect(childrenOf(process.pid)).toContain(parent.pid);
      expect(childrenOf(process.pid)).not.toContain(child);
      expect(childrenOf(parent.pid)).toEqual([child]);
      expect(parentOf(child)).toBe(parent.pid);
      expect(parentOf(parent.pid)).toBe(process.pid);
      expect(executableOf(process.pid)).toBe(process.execPath);
    } finally {
      process.kill(child, "SIGKILL");
    }
  });

  test("do not take another user's process for one that has no sockets", async () => {
    await using program = start("look-at-processes.ts", "1");
    expect(JSON.parse(await program.line())).toEqual({ executable: "unknown", sockets: "EACCES", parent: 0 });
  });

  test("know nothing of a process that is not there", () => {
    expect(childrenOf(NO_SUCH_PID)).toEqual([]);
    expect(parentOf(NO_SUCH_PID)).toBeUndefined();
    expect(executableOf(NO_SUCH_PID)).toBeUndefined();
    expect(socketInodesOf(NO_SUCH_PID)).toEqual(new Set());
    expect(parentOf(1)).toBe(0);
  });
});

describe("socketInodesOf()", () => {
  test("has the inode the kernel's socket table names, as long as it is open", async () => {
    await using loopback = await listen("127.0.0.1");
    const client = connect(loopback.port, "127.0.0.1");
    await once(client, "connect");
    using table = openSocketTable();
    const [own, peer] = [client.localPort ?? 0, client.remotePort ?? 0].map((port) => ({
      address: "127.0.0.1",
      port,
    }));
    const inode = own && peer && table.find(own, peer)?.inode;
    expect(inode).toBeGreaterThan(0);
    expect(socketInodesOf(process.pid)).toContain(inode);
    client.destroy();
    await once(client, "close");
    expect(socketInodesOf(process.pid)).not.toContain(inode);
  });
});

describe("endProcesses()", () => {
  test("answers at once when there is nothing to end", async () => {
    let looks = 0;
    expect(await endProcesses(() => ((looks += 1), []))).toEqual([]);
    expect(looks).toBe(1);
  });

  test.skipIf(missing)(
    `ends all that a user runs, what ignores signals too, and not his neighbour${missing}`,
    async () => {
      const uid = freeUid();
      const script = "trap '' TERM INT HUP; sleep 60 & sleep 60 & (sleep 60 & sleep 60) & echo on; wait";
      await using user = startAs(uid, "/bin/sh", "-c", script);
      await using neighbour = startAs(uid + 1, "sleep", "60");
      await user.line();
      expect(processesOf(uid).length).toBeGreaterThanOrEqual(4);
      expect(await endProcesses(() => processesOf(uid))).toEqual([]);
      expect(processesOf(uid)).toEqual([]);
      expect(processesOf(uid + 1)).toEqual([neighbour.pid]);
    },
  );

  test.skipIf(missing)(`looks again until there is nobody left${missing}`, async () => {
    const uid = freeUid();
    await using one = startAs(uid, "sleep", "60");
    await using two = startAs(uid, "sleep", "60");
    await using three = startAs(uid, "sleep", "60");
    const killed = new Set<number>();
    const left = await endProcesses(() => {
      const shown = processesOf(uid).slice(0, 1);
      for (const pid of shown) killed.add(pid);
      return shown;
    });
    expect(left).toEqual([]);
    expect(killed).toEqual(new Set([one.pid, two.pid, three.pid]));
  });

  test("never signals pid 0, 1, a group or itself, and says that they are alive", async () => {
    const { left, looks } = await runAlone("forbidden");
    expect(left).toHaveLength(6);
    expect(looks).toBe(1);
  });

  test.skipIf(missing)(`gives up after about 2 s on what it cannot end, and names it${missing}`, async () => {
    const began = performance.now();
    const { left } = await runAlone("nobody", `${process.pid}`);
    expect(left).toEqual([process.pid]);
    expect(performance.now() - began).toBeGreaterThan(1_900);
    expect(performance.now() - began).toBeLessThan(6_000);
  });
});

/** A uid of no account; test files that run at once hardly meet on one. */
function freeUid(): number {
  return 61_000 + 2 * Math.floor(Math.random() * 2000);
}

function startAs(uid: number, file: string, ...parameters: readonly string[]) {
  return started(spawn(file, parameters, { uid, gid: uid, stdio: PIPED }));
}

/** Runs ./programs/end-processes.ts in a process group of its own. */
async function runAlone(...parameters: string[]): Promise<{ left: unknown[]; looks: number }> {
  const program = join(import.meta.dirname, "programs/end-processes.ts");
  const child = spawn(process.execPath, [program, ...parameters], { detached: true, stdio: PIPED });
  await using running = started(child);
  return JSON.parse(await running.line()) as { left: unknown[]; looks: number };
}

/** A child that is gone when the test is. */
function started(child: ChildProcessByStdio<null, Readable, null>) {
  const { pid } = child;
  if (pid === undefined) throw new Error(`Cannot start "${child.spawnfile}": no process`);
  const ended = once(child, "exit");
  return {
    pid,
    line: async () => {
      const [chunk] = (await Promise.race([once(child.stdout, "data"), ended])) as [unknown];
      if (!Buffer.isBuffer(chunk)) throw new Error(`Cannot read from "${child.spawnfile}": it ended`);
      return chunk.toString("utf8").trim();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
