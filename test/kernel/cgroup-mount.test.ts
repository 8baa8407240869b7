import { describe, expect, test } from "vitest";
import { cgroupMountIn } from "../../src/kernel/cgroup-mount.ts";

const ROOT = "24 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw";
// As Debian 12 prints it with version 2 alone, and with both.
const UNIFIED = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";
const HYBRID = [
  "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
  "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd",
  "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
];
const ELSEWHERE = "50 24 0:38 / /mnt/my\\040groups rw master:2 shared:3 - cgroup2 none rw";

describe("cgroupMountIn()", () => {
  test.for([
    { name: "finds version 2 alone", lines: [ROOT, UNIFIED], mount: "/sys/fs/cgroup" },
    { name: "finds it beside version 1", lines: [ROOT, ...HYBRID], mount: "/sys/fs/cgroup/unified" },
    { name: "finds it elsewhere, spaces and all", lines: [ROOT, ELSEWHERE], mount: "/mnt/my groups" },
    {
      name: "finds it in a folder with an accent",
      lines: [ELSEWHERE.replace("my", "mé")],
      mount: "/mnt/mé groups",
    },
    { name: "prefers the place nft looks in", lines: [ELSEWHERE, UNIFIED], mount: "/sys/fs/cgroup" },
    { name: "does not take version 1 for it", lines: [ROOT, ...HYBRID.slice(0, 2)], mount: undefined },
    {
      name: "does not take a source of that name for it",
      lines: [UNIFIED.replace("- cgroup2", "- ext4")],
      mount: undefined,
    },
    {
      name: "does not take a neighbour for the place nft looks in",
      lines: [UNIFIED.replace("/sys/fs/cgroup ", "/sys/fs/cgroup2 "), ...HYBRID],
      mount: "/sys/fs/cgroup/unified",
    },
    { name: "finds none in a line that is cut off", lines: [UNIFIED.slice(0, 40)], mount: undefined },
    { name: "finds none in nothing", lines: [], mount: undefined },
  ])("$name", ({ lines, mount }) => {
    expect(cgroupMountIn(`${lines.join("\n")}\n`)).toBe(mount);
  });
});
