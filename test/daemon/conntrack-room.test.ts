import { mkdir, mkdtempDisposable, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ensureTracking } from "../../src/daemon/conntrack-room.ts";
import { KernelUnavailableError } from "../../src/errors.ts";

const NEEDED = 65_536;

async function host(max: number, count: number) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-tracking-"));
  const sysctls = join(folder.path, "sys");
  const at = (name: string) => join(sysctls, "net/netfilter", name);
  await mkdir(join(sysctls, "net/netfilter"), { recursive: true });
  await writeFile(at("nf_conntrack_max"), `${max}\n`);
  await writeFile(at("nf_conntrack_count"), `${count}\n`);
  const raised: (readonly [number, number])[] = [];
  const dropIn = join(folder.path, "sysctl.d/60-sluice.conf");
  return {
    at,
    dropIn,
    raised,
    ensure: (mayRaise: boolean) =>
      ensureTracking({ mayRaise, onRaised: (from, to) => raised.push([from, to]), sysctls, dropIn }),
    [Symbol.asyncDispose]: () => folder.remove(),
  };
}

describe("ensureTracking()", () => {
  test("leaves a table with room as it is", async () => {
    await using it = await host(NEEDED, 0);
    await it.ensure(true);
    expect(it.raised).toEqual([]);
    expect(await readFile(it.at("nf_conntrack_max"), "utf8")).toBe(`${NEEDED}\n`);
  });

  test("raises one that is too small by an entry, now and for the next boot, and tells", async () => {
    await using it = await host(NEEDED - 1, 12);
    await it.ensure(true);
    expect(it.raised).toEqual([[NEEDED - 1, NEEDED]]);
    expect(await readFile(it.at("nf_conntrack_max"), "utf8")).toBe(`${NEEDED}\n`);
    expect(await readFile(it.dropIn, "utf8")).toContain(`net.netfilter.nf_conntrack_max = ${NEEDED}`);
  });

  test("refuses, with both sizes, where it cannot be raised", async () => {
    await using it = await host(8_192, 12);
    await writeFile(join(it.dropIn, "../../sysctl.d"), "in the way");
    await expect(it.ensure(true)).rejects.toThrow(KernelUnavailableError);
    await expect(host(8_192, 12).then((other) => other.ensure(false))).rejects.toThrow(
      /room for 8192 entries, 65536 are needed/,
    );
  });

  test("only observing, changes nothing: refuses where tracking is off or small, goes on where it is in use", async () => {
    await using off = await host(NEEDED, 0);
    await expect(off.ensure(false)).rejects.toThrow("would switch connection tracking on");
    await using small = await host(8_192, 5);
    await expect(small.ensure(false)).rejects.toThrow("observe mode");
    expect(await readFile(small.at("nf_conntrack_max"), "utf8")).toBe("8192\n");
    await using used = await host(NEEDED, 5);
    await expect(used.ensure(false)).resolves.toBeUndefined();
  });

  test("takes a kernel that has not loaded tracking yet as it is", async () => {
    await using it = await host(NEEDED, 0);
    await rm(it.at("nf_conntrack_max"));
    await expect(it.ensure(true)).resolves.toBeUndefined();
    await expect(it.ensure(false)).rejects.toThrow("observe mode");
  });
});
