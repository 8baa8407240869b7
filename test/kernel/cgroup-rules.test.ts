import { readFileSync, rmdirSync } from "node:fs";
import { chmod, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { marksOf, SERVICE_SSH } from "../../src/kernel/account-marks.ts";
import { cgroupMountIn } from "../../src/kernel/cgroup-mount.ts";
import { claimByRules, releaseByRules } from "../../src/kernel/cgroup-rules.ts";
import { openCgroups } from "../../src/kernel/cgroups.ts";
import { needs } from "../support/requirements.ts";
import { startCommand } from "./loopback.ts";

const MARKS = marksOf(7, SERVICE_SSH);
const mount = cgroupMountIn(readFileSync("/proc/self/mountinfo", "utf8"));
const missing =
  needs("root", "unshare", "iptables", "ip") || (mount === undefined ? " (needs: cgroup v2)" : "");

describe("rules for a cgroup", () => {
  afterEach(() => void vi.unstubAllEnvs());

  test.skipIf(missing)(`mark what its processes open, once, and go without a trace${missing}`, async () => {
    const parent = `slu-rules-${process.pid}`;
    const cgroups = openCgroups(parent);
    const { path } = cgroups.make("session");
    {
      const program = join(import.meta.dirname, "programs/mark-by-cgroup.ts");
      await using sender = startCommand("unshare", ["-n", "--", process.execPath, program, path]);
      expect(await sender.line()).toBe("ready");
      cgroups.moveInto("session", sender.pid);
      // Answered by "port unreachable", which nobody's socket sends: the second rule alone meets packets.
      expect(JSON.parse(await sender.line())).toEqual({
        ipv4: [
          [0, "0x51000039"],
          [3, "0x51000038"],
        ],
        ipv6: [
          [0, "0x51000039"],
          [0, "0x51000038"],
        ],
      });
      expect(JSON.parse(await sender.line())).toEqual({ ipv4: [], ipv6: [] });
      expect(JSON.parse(await sender.line())).toEqual({ ipv4: [[0, "0x9"]], ipv6: [] });
    }
    await cgroups.kill("session");
    cgroups.remove("session");
    rmdirSync(join(mount ?? "", parent));
  });

  /** Programs called iptables and ip6tables that end with these. */
  async function pretend(statuses: { readonly iptables: number; readonly ip6tables: number }) {
    const folder = await mkdtempDisposable(join(tmpdir(), "sluice-iptables-"));
    for (const [name, status] of Object.entries(statuses)) {
      await writeFile(join(folder.path, name), `#!/bin/sh\necho "${name} says" >&2\nexit ${status}\n`);
      await chmod(join(folder.path, name), 0o755);
    }
    vi.stubEnv("PATH", `${folder.path}:${process.env["PATH"]}`);
    return folder;
  }

  test("are not taken for gone when iptables could not look", async () => {
    await using _ = await pretend({ iptables: 4, ip6tables: 4 });
    await expect(releaseByRules("sluice-ssh/1", MARKS)).rejects.toThrow("iptables says");
    await expect(claimByRules("sluice-ssh/1", MARKS)).rejects.toThrow(
      /Cannot mark the flows.*iptables says/s,
    );
  });

  test("do without IPv6 where the kernel has none", async () => {
    await using _ = await pretend({ iptables: 0, ip6tables: 3 });
    await expect(claimByRules("sluice-ssh/1", MARKS)).resolves.toBeUndefined();
    await expect(releaseByRules("sluice-ssh/1", MARKS)).resolves.toBeUndefined();
  });

  test("are refused where there is no such match", async () => {
    await using _ = await pretend({ iptables: 2, ip6tables: 2 });
    await expect(claimByRules("sluice-ssh/1", MARKS)).rejects.toThrow("xt_cgroup");
  });
});
