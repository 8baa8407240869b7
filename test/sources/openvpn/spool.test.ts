import {
  chmod,
  chown,
  link,
  mkdir,
  mkdtempDisposable,
  readdir,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseFinal, UnfinishedFinalError } from "../../../src/sources/openvpn/final-format.ts";
import { Spool } from "../../../src/sources/openvpn/spool.ts";
import { unixTime } from "../../../src/units.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const NAME = "1795221718.1435.2001.44023";
const NOBODY = 65_534;

function fileOf(changes: Readonly<Record<string, string>> = {}): string {
  const values = {
    format: "1",
    time_unix: "1795221718",
    time_duration: "7",
    bytes_received: "108795",
    bytes_sent: "3658846",
    trusted_ip: "10.97.1.2",
    trusted_port: "44023",
    trusted_ip6: "",
    ifconfig_pool_remote_ip: "10.98.0.2",
    ifconfig_pool_remote_ip6: "",
    username: "",
    common_name: "alice",
    ...changes,
  };
  return `${Object.entries(values)
    .map(([key, value]) => `${key}=${value}\n`)
    .join("")}end\n`;
}

describe("parseFinal()", () => {
  test("reads what the hook left of a client, over IPv4 and IPv6", () => {
    expect(parseFinal(fileOf(), NAME, unixTime(5))).toEqual({
      file: NAME,
      writtenAt: 5,
      commonName: "alice",
      signedInAs: undefined,
      since: 1_795_221_718,
      duration: 7,
      realAddress: "10.97.1.2:44023",
      addresses: ["10.98.0.2"],
      traffic: { uplink: 108_795, downlink: 3_658_846 },
    });
    const six = { trusted_ip: "", trusted_ip6: "fd97:1::2", ifconfig_pool_remote_ip6: "fd98::1000" };
    expect(parseFinal(fileOf({ ...six, username: 'a=b, "c"' }), NAME, unixTime(5))).toMatchObject({
      realAddress: "fd97:1::2",
      addresses: ["10.98.0.2", "fd98::1000"],
      signedInAs: 'a=b, "c"',
    });
  });

  test.for([
    { changes: { format: "2" }, why: "expected format=1" },
    { changes: { bytes_sent: "-1" }, why: "a whole number as bytes_sent" },
    { changes: { bytes_sent: "9007199254740992" }, why: "below 2^53 as bytes_sent" },
    { changes: { time_unix: "" }, why: "a whole number as time_unix" },
    { changes: { trusted_ip: "../../etc" }, why: "an address as trusted_ip" },
    { changes: { trusted_ip: "" }, why: "an address as trusted_ip" },
    { changes: { trusted_port: "1194/x" }, why: "a port" },
    { changes: { ifconfig_pool_remote_ip: "no" }, why: "an address as ifconfig_pool_remote_ip" },
    { changes: { common_name: "alice\nbytes_sent=0" }, why: "12 lines before end" },
    { changes: { zz: "1" }, why: "12 lines before end" },
  ])("refuses $changes", ({ changes, why }) => {
    expect(() => parseFinal(fileOf(changes as Record<string, string>), NAME, unixTime(5))).toThrow(why);
  });

  test("tells a file that is still written from all others, wherever it is cut", () => {
    const text = fileOf();
    for (let length = 0; length < text.length; length++) {
      expect(() => parseFinal(text.slice(0, length), NAME, unixTime(5))).toThrow(UnfinishedFinalError);
    }
  });
});

async function stage(owners: readonly number[] = [0, NOBODY]) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-spool-"));
  const clock = new ManualClock(Date.now());
  const directory = folder.path;
  await chmod(directory, 0o777);
  const spool = new Spool({ directory, owners: new Set(owners), clock });
  const path = (name: string) => join(directory, name);
  const put = (name: string, text = fileOf()) => writeFile(path(name), text);
  const names = async () => (await readdir(directory)).toSorted((a, b) => a.localeCompare(b));
  return { clock, spool, path, put, names, [Symbol.asyncDispose]: () => folder.remove() };
}

describe("Spool", () => {
  test("reads figures until they are removed", async () => {
    await using at = await stage();
    await at.put(NAME);
    await at.put("1795221718.1435.2002.44024");
    await chown(at.path(NAME), NOBODY, NOBODY);
    const { finals, refused } = await at.spool.look();
    expect(finals.map(({ file }) => file).toSorted((a, b) => a.localeCompare(b))).toEqual([
      NAME,
      "1795221718.1435.2002.44024",
    ]);
    expect(refused).toEqual([]);
    expect(Math.abs((finals[0]?.writtenAt ?? 0) - at.clock.unix())).toBeLessThan(10_000);
    await at.spool.remove(NAME);
    await at.spool.remove(NAME);
    expect((await at.spool.look()).finals).toHaveLength(1);
  });

  test.for([
    {
      name: "a name of another kind",
      make: (path: (name: string) => string) => writeFile(path("x"), fileOf()),
      why: "its name",
    },
    {
      name: "a hidden name",
      make: (path: (name: string) => string) => writeFile(path(".1.2.3.4"), fileOf()),
      why: "its name",
    },
    {
      name: "a link",
      make: (path: (name: string) => string) => symlink("/etc/shadow", path(NAME)),
      why: "no regular file",
    },
    { name: "a folder", make: (path: (name: string) => string) => mkdir(path(NAME)), why: "no regular file" },
    {
      name: "a second name of a file",
      make: async (path: (name: string) => string) => {
        await writeFile(path(NAME), fileOf());
        await link(path(NAME), path("1.1.1.1"));
      },
      why: "one name",
    },
    {
      name: "much",
      make: (path: (name: string) => string) => writeFile(path(NAME), "x".repeat(8193)),
      why: "8193 bytes",
    },
    {
      name: "nonsense",
      make: (path: (name: string) => string) => writeFile(path(NAME), "\0\xff\nend\n"),
      why: "12 lines",
    },
  ])("moves $name aside and says why", async ({ make, why }) => {
    await using at = await stage();
    await make(at.path);
    const { finals, refused } = await at.spool.look();
    expect(finals).toEqual([]);
    expect(refused[0]?.why).toContain(why);
    expect((await at.names()).every((name) => name.endsWith(".refused"))).toBe(true);
    expect(await at.spool.look()).toEqual({ finals: [], refused: [] });
  });

  test("refuses what somebody else has written", async () => {
    await using at = await stage([NOBODY]);
    await at.put(NAME);
    expect((await at.spool.look()).refused).toEqual([
      { file: NAME, why: "it belongs to user 0, who is not the server's" },
    ]);
  });

  test("leaves a file that is being written alone for a minute", async () => {
    await using at = await stage();
    await at.put(NAME, fileOf().slice(0, 50));
    const written = at.clock.unix() / 1000;
    await utimes(at.path(NAME), written, written);
    expect(await at.spool.look()).toEqual({ finals: [], refused: [] });
    expect(await at.names()).toEqual([NAME]);
    at.clock.setUnix((written + 60) * 1000);
    expect((await at.spool.look()).refused).toMatchObject([{ why: "it does not end in the line end" }]);
  });

  test("keeps a hundred refused files", async () => {
    await using at = await stage();
    for (let index = 0; index < 120; index++) await at.put(`x${String(index).padStart(3, "0")}`);
    expect((await at.spool.look()).refused).toHaveLength(120);
    const names = await at.names();
    expect([names.length, names[0]]).toEqual([100, "x020.refused"]);
  });

  test("is empty without a folder", async () => {
    const spool = new Spool({ directory: "/nonexistent/spool", owners: new Set(), clock: new ManualClock() });
    expect(await spool.look()).toEqual({ finals: [], refused: [] });
  });
});
