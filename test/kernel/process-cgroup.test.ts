import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { cgroupMountIn } from "../../src/kernel/cgroup-mount.ts";
import { type Cgroups, openCgroups } from "../../src/kernel/cgroups.ts";
import { ownCgroup } from "../../src/kernel/process-cgroup.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { start, startCommand } from "./loopback.ts";

const mount = cgroupMountIn(readFileSync("/proc/self/mountinfo", "utf8"));
const missing = needs("root") || (mount === undefined ? " (needs: cgroup v2)" : "");
const NO_SUCH_PID = 4_194_305;

describe.skipIf(missing)(`ownCgroup()${missing}`, () => {
  test("is the group of a process that is in it alone", async () => {
    const cgroups = open();
    await using sleeper = startCommand("sleep", ["60"]);
    const made = cgroups.make("engine.service");
    cgroups.moveInto("engine.service", sleeper.pid);
    const { id, path, nftPath, level } = made;
    expect(ownCgroup(sleeper.pid)).toMatchObject({ id, path, nftPath, level });
  });

  test("still is, with another that has no TCP or UDP socket", async () => {
    const cgroups = open();
    await using sleeper = startCommand("sleep", ["60"]);
    await using other = startCommand("sleep", ["60"]);
    cgroups.make("engine.service");
    for (const { pid } of [sleeper, other]) cgroups.moveInto("engine.service", pid);
    expect(ownCgroup(sleeper.pid)).toMatchObject({ level: 2 });
  });

  test("is not, with another that has one, there or below", async () => {
    const cgroups = open();
    const { path } = cgroups.make("engine.service");
    const below = join(mount ?? "", path, "below");
    mkdirSync(below);
    onTestFinished(() => rmdirSync(below));
    await using sleeper = startCommand("sleep", ["60"]);
    await using server = start("listen.ts", "127.0.0.1");
    await server.line();
    cgroups.moveInto("engine.service", sleeper.pid);
    expect(ownCgroup(sleeper.pid)).toMatchObject({ path });
    const shared = `process ${server.pid} shares the cgroup "${path}" with it`;
    cgroups.moveInto("engine.service", server.pid);
    expect(ownCgroup(sleeper.pid)).toBe(shared);
    writeFileSync(join(below, "cgroup.procs"), `${server.pid}`);
    expect(ownCgroup(sleeper.pid)).toBe(shared);
  });

  test("is not the root of all groups", () => {
    const path = /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1];
    if (path === "/") expect(ownCgroup(process.pid)).toBe("its process has no cgroup of its own");
  });

  test("is none for a process that is gone", () => {
    expect(ownCgroup(NO_SUCH_PID)).toBe("its process is gone");
  });
});

/** Gone when the test is, whose processes leave their groups a moment after their end. */
function open(): Cgroups {
  const parent = `sluice-test-${randomBytes(4).toString("hex")}`;
  const cgroups = openCgroups(parent);
  onTestFinished(async () => {
    await until("all groups are empty", () => {
      if (existsSync(join(mount ?? "", parent))) cgroups.dissolve();
      return !existsSync(join(mount ?? "", parent));
    });
  });
  return cgroups;
}
