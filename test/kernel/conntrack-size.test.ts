import { mkdir, mkdtempDisposable, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  conntrackSize,
  enoughFor,
  entriesFor,
  raiseConntrack,
  roomNeeded,
  socketsIn,
} from "../../src/kernel/conntrack-size.ts";
import { needs } from "../support/requirements.ts";
import { startCommand } from "./loopback.ts";

// As kernel 6.18 prints them.
const SOCKSTAT = `sockets: used 14
TCP: inuse 21 orphan 3 tw 400 alloc 30 mem 20
UDP: inuse 5 mem 7
UDPLITE: inuse 1000
RAW: inuse 1000
FRAG: inuse 1000 memory 0
`;
const SOCKSTAT6 = `TCP6: inuse 60
UDP6: inuse 10
UDPLITE6: inuse 1000
RAW6: inuse 1000
FRAG6: inuse 1000 memory 0
`;

describe("socketsIn()", () => {
  test.for([
    { name: "counts TCP in use and in TIME_WAIT, and UDP", text: SOCKSTAT, sockets: 426 },
    { name: "adds IPv6", text: SOCKSTAT + SOCKSTAT6, sockets: 496 },
    { name: "counts none on an idle host", text: "TCP: inuse 0 orphan 0 tw 0 alloc 1 mem 0\n", sockets: 0 },
  ])("$name", ({ text, sockets }) => {
    expect(socketsIn(text)).toBe(sockets);
  });
});

describe("entriesFor()", () => {
  test.for([
    { sockets: 0, entries: 65_536 },
    { sockets: 16_384, entries: 65_536 },
    { sockets: 16_385, entries: 65_540 },
    { sockets: 1_000_000, entries: 4_000_000 },
  ])("wants room for $entries entries with $sockets sockets", ({ sockets, entries }) => {
    expect(entriesFor(sockets)).toBe(entries);
  });
});

describe("enoughFor()", () => {
  test.for([
    { max: 65_535, enough: false },
    { max: 65_536, enough: true },
    { max: 0, enough: true },
  ])("finds a table of $max enough for 65536: $enough (0 is without bound)", ({ max, enough }) => {
    expect(enoughFor({ max, count: 0 }, 65_536)).toBe(enough);
  });
});

describe("roomNeeded()", () => {
  test("asks both families, and one where there is no IPv6", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-proc-"));
    await mkdir(join(folder.path, "net"));
    const [ipv4, ipv6] = [join(folder.path, "net/sockstat"), join(folder.path, "net/sockstat6")];
    await writeFile(ipv4, SOCKSTAT.replace("inuse 21", "inuse 20000"));
    expect(roomNeeded(folder.path)).toBe(4 * 20_405);
    await writeFile(ipv6, SOCKSTAT6);
    expect(roomNeeded(folder.path)).toBe(4 * 20_475);
  });

  test("does not take a /proc that is not there for a host without sockets", () => {
    expect(() => roomNeeded("/nonexistent")).toThrow("ENOENT");
  });

  test("asks this host", () => {
    expect(roomNeeded()).toBeGreaterThanOrEqual(65_536);
  });
});

describe("conntrackSize()", () => {
  test("reads what there is room for and what there is", async () => {
    await using sysctls = await sysctlFolder("8192", "12");
    expect(conntrackSize(sysctls.path)).toEqual({ max: 8192, count: 12 });
  });

  test("is undefined where tracking is not loaded", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-sysctl-"));
    expect(conntrackSize(folder.path)).toBeUndefined();
  });

  test.for(["", "many", "-1", "8192 1"])("refuses what is no number: %j", async (text) => {
    await using sysctls = await sysctlFolder(text, "0");
    expect(() => conntrackSize(sysctls.path)).toThrow(SyntaxError);
  });
});

describe("raiseConntrack()", () => {
  test("raises it now and at every boot, in a folder made for it", async () => {
    await using sysctls = await sysctlFolder("8192", "0");
    const dropIn = join(sysctls.path, "etc/sysctl.d/60-sluice.conf");
    await raiseConntrack(65_536, dropIn, sysctls.path);
    expect(conntrackSize(sysctls.path)?.max).toBe(65_536);
    const text = await readFile(dropIn, "utf8");
    expect(text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([
      "net.netfilter.nf_conntrack_max = 65536",
    ]);
    expect(text).toMatch(/^# Written by Sluice[^]*gates remove/);
  });

  test("replaces what it wrote before", async () => {
    await using sysctls = await sysctlFolder("8192", "0");
    const dropIn = join(sysctls.path, "60-sluice.conf");
    await raiseConntrack(1_000_000, dropIn, sysctls.path);
    await writeFile(join(sysctls.path, "net/netfilter/nf_conntrack_max"), "8192\n");
    await raiseConntrack(65_536, dropIn, sysctls.path);
    expect(await readFile(dropIn, "utf8")).toMatch(/\nnet.netfilter.nf_conntrack_max = 65536\n$/);
  });

  test.for(["65536", "262144", "0"])("leaves a table of %s as it is, now and at boot", async (max) => {
    await using sysctls = await sysctlFolder(max, "0");
    const dropIn = join(sysctls.path, "60-sluice.conf");
    await raiseConntrack(65_536, dropIn, sysctls.path);
    expect(conntrackSize(sysctls.path)?.max).toBe(Number(max));
    await expect(readFile(dropIn)).rejects.toThrow("ENOENT");
  });

  test("says what to do where tracking is not loaded, and writes nothing", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-sysctl-"));
    const dropIn = join(folder.path, "60-sluice.conf");
    await expect(raiseConntrack(65_536, dropIn, folder.path)).rejects.toThrow(
      /^Cannot raise net\.netfilter\.nf_conntrack_max to 65536: run "sysctl -w .*ENOENT/,
    );
    await expect(readFile(dropIn)).rejects.toThrow("ENOENT");
  });

  test("says what to do where it cannot be kept for the next boot", async () => {
    await using sysctls = await sysctlFolder("8192", "0");
    const dropIn = join(sysctls.path, "net/netfilter/nf_conntrack_max/60-sluice.conf");
    await expect(raiseConntrack(65_536, dropIn, sysctls.path)).rejects.toThrow(
      /^Cannot keep net\.netfilter\.nf_conntrack_max = 65536 for the next boot/,
    );
    expect(conntrackSize(sysctls.path)?.max).toBe(65_536);
  });

  const missing = needs("root", "unshare");
  test.skipIf(missing)(`says that the kernel refused, as it does in a container${missing}`, async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-sysctl-"));
    const program = join(import.meta.dirname, "programs/raise-conntrack.ts");
    const dropIn = join(folder.path, "60-sluice.conf");
    await using child = startCommand("unshare", ["-n", "--", process.execPath, program, dropIn]);
    expect(await child.line()).toMatch(
      /^KernelUnavailableError: Cannot raise .*on its host: E(ACCES|PERM|ROFS)/,
    );
    await expect(readFile(dropIn)).rejects.toThrow("ENOENT");
  });
});

async function sysctlFolder(max: string, count: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-sysctl-"));
  const netfilter = join(folder.path, "net/netfilter");
  await mkdir(netfilter, { recursive: true });
  await writeFile(join(netfilter, "nf_conntrack_max"), `${max}\n`);
  await writeFile(join(netfilter, "nf_conntrack_count"), `${count}\n`);
  return folder;
}
