import { existsSync, readFileSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { cgroupMountIn } from "../../src/kernel/cgroup-mount.ts";
import { type Cgroups, openCgroups } from "../../src/kernel/cgroups.ts";
import { needs } from "../support/requirements.ts";
import { startCommand } from "./loopback.ts";

const mount = cgroupMountIn(readFileSync("/proc/self/mountinfo", "utf8"));
const lacks = (...programs: string[]) =>
  needs("root", ...programs) || (mount === undefined ? " (needs: cgroup v2)" : "");
const missing = lacks();
const NO_SUCH_PID = 4_194_305;

describe.skipIf(missing)(`openCgroups()${missing}`, () => {
  test("makes a group once, named to the kernel by the inode of its folder", () => {
    const { cgroups, parent } = open();
    const made = cgroups.make("4711-99");
    const folder = join(mount ?? "", parent, "4711-99");
    expect(made).toEqual({
      name: "4711-99",
      id: statSync(folder, { bigint: true }).ino,
      path: `${parent}/4711-99`,
      nftPath: folder.slice("/sys/fs/cgroup/".length),
      level: 2,
    });
    expect(cgroups.make("4711-99")).toEqual(made);
    expect(cgroups.make("4712-99").id).not.toBe(made.id);
    expect(cgroups.list().toSorted()).toEqual(["4711-99", "4712-99"]);
    expect(openCgroups(parent).list()).toHaveLength(2);
  });

  test("moves a process in, and out of where it was", async () => {
    const { cgroups } = open();
    await using sleeper = startCommand("sleep", ["60"]);
    cgroups.make("one");
    cgroups.make("two");
    expect(cgroups.moveInto("one", sleeper.pid)).toBe(true);
    expect(cgroups.pids("one")).toEqual([sleeper.pid]);
    expect(cgroups.moveInto("two", sleeper.pid)).toBe(true);
    expect([cgroups.pids("one"), cgroups.pids("two")]).toEqual([[], [sleeper.pid]]);
  });

  test("says that a process was gone before it could be moved", () => {
    const { cgroups } = open();
    cgroups.make("one");
    expect(cgroups.moveInto("one", NO_SUCH_PID)).toBe(false);
    expect(cgroups.pids("one")).toEqual([]);
  });

  test.for([0, -1, 1.5, Number.NaN])("refuses %d as a process: 0 would be the one that asks", (pid) => {
    const { cgroups } = open();
    cgroups.make("one");
    expect(() => cgroups.moveInto("one", pid)).toThrow(RangeError);
    expect(cgroups.pids("one")).toEqual([]);
  });

  test("does not make a group by moving into it", async () => {
    const { cgroups } = open();
    await using sleeper = startCommand("sleep", ["60"]);
    expect(() => cgroups.moveInto("none", sleeper.pid)).toThrow("ENOENT");
    expect(cgroups.list()).toEqual([]);
  });

  test("kills all in a group, and what they forked goes with them, but nobody in the next one", async () => {
    const { cgroups } = open();
    // What it forks before it has been moved would stay where it was.
    const script = `trap '' TERM; until grep -q '/one$' "/proc/$$/cgroup"; do sleep 0.05; done; sleep 60 & sleep 60 & echo on; wait`;
    await using shell = startCommand("/bin/sh", ["-c", script]);
    await using neighbour = startCommand("sleep", ["60"]);
    cgroups.make("one");
    cgroups.make("two");
    cgroups.moveInto("one", shell.pid);
    cgroups.moveInto("two", neighbour.pid);
    await shell.line();
    expect(cgroups.pids("one").length).toBeGreaterThanOrEqual(3);
    expect(await cgroups.kill("one")).toEqual([]);
    expect(cgroups.pids("one")).toEqual([]);
    expect(cgroups.pids("two")).toEqual([neighbour.pid]);
    cgroups.remove("one");
    expect(cgroups.list()).toEqual(["two"]);
  });

  test("has nothing to kill and nothing to remove where there is no group", async () => {
    const { cgroups } = open();
    expect(await cgroups.kill("none")).toEqual([]);
    expect(cgroups.pids("none")).toEqual([]);
    expect(() => cgroups.remove("none")).not.toThrow();
  });

  test("refuses to remove a group with a process in it, and names it", async () => {
    const { cgroups } = open();
    await using sleeper = startCommand("sleep", ["60"]);
    cgroups.make("one");
    cgroups.moveInto("one", sleeper.pid);
    expect(() => cgroups.remove("one")).toThrow(
      new RegExp(`^Cannot remove the cgroup .*processes are in it: ${sleeper.pid}$`),
    );
    expect(cgroups.pids("one")).toEqual([sleeper.pid]);
  });

  test("dissolves all that nobody is in, and with the last the folder they lie in", async () => {
    const { cgroups, parent } = open();
    {
      await using sleeper = startCommand("sleep", ["60"]);
      cgroups.make("empty");
      cgroups.make("busy");
      cgroups.moveInto("busy", sleeper.pid);
      cgroups.dissolve();
      expect(cgroups.list()).toEqual(["busy"]);
    }
    cgroups.dissolve();
    expect(existsSync(join(mount ?? "", parent))).toBe(false);
    openCgroups(parent);
  });

  test.for(["", ".", "..", ".hidden", "a/b", "../x", "a b", "a\n", "ä", "a\0"])(
    "refuses %j as a name",
    async (name) => {
      const { cgroups } = open();
      expect(() => cgroups.make(name)).toThrow(RangeError);
      expect(() => cgroups.pids(name)).toThrow(RangeError);
      expect(() => cgroups.remove(name)).toThrow(RangeError);
      expect(() => cgroups.moveInto(name, process.pid)).toThrow(RangeError);
      await expect(cgroups.kill(name)).rejects.toThrow(RangeError);
      expect(() => openCgroups(name)).toThrow(RangeError);
      expect(cgroups.list()).toEqual([]);
    },
  );

  const missingNft = lacks("unshare", "nft", "ip");
  test.skipIf(missingNft)(
    `names a group so that nft counts what its processes open from then on${missingNft}`,
    async () => {
      const { cgroups } = open();
      const { nftPath, level } = cgroups.make("session");
      const program = join(import.meta.dirname, "programs/count-in-cgroup.ts");
      const parameters = ["-n", "--", process.execPath, program, nftPath, `${level}`];
      await using sender = startCommand("unshare", parameters);
      expect(await sender.line()).toBe("ready");
      cgroups.moveInto("session", sender.pid);
      expect(JSON.parse(await sender.line())).toEqual([8, 5]);
    },
  );
});

describe("openCgroups() without the right to", () => {
  test.skipIf(mount === undefined)("says what it takes (needs cgroup v2)", async () => {
    const program = join(import.meta.dirname, "programs/open-cgroups-as-nobody.ts");
    const parent = `slu-nobody-${process.pid}`;
    await using child = startCommand(process.execPath, [program, parent]);
    expect(await child.line()).toMatch(/^KernelUnavailableError: Cannot use cgroups below .*takes root/);
    expect(existsSync(join(mount ?? "", parent))).toBe(false);
  });

  const missingUnshare = needs("root", "unshare", "umount");
  test.skipIf(missingUnshare)(`says that version 2 is not mounted${missingUnshare}`, async () => {
    const program = join(import.meta.dirname, "programs/open-cgroups-as-nobody.ts");
    const script = `umount -l /sys/fs/cgroup && exec "$0" "$@"`;
    const parameters = ["-m", "--", "/bin/sh", "-c", script, process.execPath, program, "slu-none"];
    await using child = startCommand("unshare", parameters);
    expect(await child.line()).toMatch(/^KernelUnavailableError: .*expected version 2 mounted .*got none/);
  });
});

let opened = 0;

/** Groups in a folder of the test's own, gone with all that is in it when it ends. */
function open(): { cgroups: Cgroups; parent: string } {
  opened += 1;
  const parent = `slu-test-${process.pid}-${opened}`;
  const cgroups = openCgroups(parent);
  onTestFinished(async () => {
    for (const name of cgroups.list()) {
      await cgroups.kill(name);
      cgroups.remove(name);
    }
    rmdirSync(join(mount ?? "", parent));
  });
  return { cgroups, parent };
}
