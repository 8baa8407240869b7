/** A real OpenVPN server of the test bed: its line in all its troubles, and every byte of two clients. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { keeperName } from "../../../src/names.ts";
import type { FinalFigures } from "../../../src/sources/openvpn/final-figures.ts";
import type { EndedLogin } from "../../../src/sources/openvpn/login-readings.ts";
import { ManagementLink, type ManagementLinkOptions } from "../../../src/sources/openvpn/management-link.ts";
import { OpenvpnSource } from "../../../src/sources/openvpn/openvpn-source.ts";
import { Spool } from "../../../src/sources/openvpn/spool.ts";
import { StatusFileSource } from "../../../src/sources/openvpn/status-file-source.ts";
import { milliseconds, monotonicTime } from "../../../src/units.ts";
import { openTestbed, type Testbed } from "../../support/openvpn/testbed.ts";
import { needs } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";

const { signal } = new AbortController();
const KEEPER = keeperName("openvpn:server");
/** The format in which our hook leaves last figures. */
const HOOK = `#!/bin/sh
umask 077
{
  echo format=1
  for key in time_unix time_duration bytes_received bytes_sent trusted_ip trusted_port trusted_ip6 \\
    ifconfig_pool_remote_ip ifconfig_pool_remote_ip6 username common_name; do
    eval "echo $key=\\"\\$$key\\""
  done
  echo end
} >"SPOOL/$time_unix.$daemon_pid.$$.$trusted_port"
`;

const missing = needs("root", "openvpn", "ip", "socat", "openssl");

let folder: string;
let spoolFolder: string;
let bed: Testbed;

beforeAll(async () => {
  if (missing) return;
  folder = await mkdtemp(join(tmpdir(), "sluice-real-"));
  spoolFolder = join(folder, "spool");
  const hook = join(folder, "hook");
  await mkdir(spoolFolder);
  await writeFile(hook, HOOK.replace("SPOOL", spoolFolder));
  await chmod(hook, 0o755);
  await writeFile(join(folder, "password"), "s3cret\n");
  bed = await openTestbed({
    server: ["management-hold"],
    protocol: "tcp", // a client learns of its end at once
    connectHook: "/bin/true",
    disconnectHook: hook,
    passwordFile: join(folder, "password"),
  });
});

afterAll(async () => {
  if (missing) return;
  await bed[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Five times as fast as ours, for what takes seconds on purpose. */
const hurried: Clock = {
  monotonic: () => monotonicTime(5 * systemClock.monotonic()),
  unix: () => systemClock.unix(),
  sleep: (span, signal) => systemClock.sleep(milliseconds(span / 5), signal),
};

function linkTo(others: Partial<ManagementLinkOptions> = {}): ManagementLink {
  const passwordFile = join(folder, "password");
  const releaseHold = true;
  return new ManagementLink({
    address: bed.management,
    passwordFile,
    releaseHold,
    clock: systemClock,
    ...others,
  });
}

function says(link: ManagementLink, words: string): Promise<boolean> {
  return until(
    words,
    () => link.trouble?.includes(words) === true,
    10_000,
    () => link.trouble,
  );
}

describe.skipIf(missing)(`ManagementLink on a real server${missing}`, () => {
  test("says what is wrong in one sentence, and recovers by itself", async () => {
    const passwordFile = join(folder, "own");
    await writeFile(passwordFile, "wrong\n");
    await using link = linkTo({ passwordFile, releaseHold: false, clock: hurried });
    await says(link, "there is no such socket");
    await bed.run("up", "server");
    await says(link, `it refuses the password in ${passwordFile}`);
    await writeFile(passwordFile, "s3cret\n");
    await says(link, "The server waits in hold");
    await using second = linkTo({ clock: hurried });
    await says(second, "another program holds the management socket");
    const long = "x".repeat(256);
    await expect(link.command(`kill ${long}`)).rejects.toThrow("words of at most 255 bytes, got one of 256");
    await expect(link.command("status 4")).rejects.toThrow("not supported by the current daemon mode");
    await link[Symbol.asyncDispose]();
    await until("the second takes its turn and releases the hold", () => second.connected && !second.trouble);
    await expect(second.command(`log ${long.slice(1)}`)).rejects.toThrow("log parameter must be");
    await expect(second.command("status 4")).rejects.toThrow("bad status format version number");
    expect((await second.command("log on all")).length).toBeGreaterThan(5);
    expect(await second.command("hold")).toEqual(["SUCCESS: hold=1"]);
    await bed.run("server", "kill");
    await says(second, "nobody listens there; the server is not running");
    await bed.run("server", "start");
    await until("it is back", () => second.connected && !second.trouble);
    await bed.run("server", "term");
    await says(second, "there is no such socket");
  });
});

describe.skipIf(missing)(`OpenvpnSource on a real server${missing}`, () => {
  test("reports to the byte what the server told its hook last, over restarts of clients and server", {
    timeout: 60_000,
  }, async () => {
    const finals: FinalFigures[] = [];
    const ended: EndedLogin[] = [];
    const totals = new Map<string, { up: number; down: number }>();
    const states: string[] = [];
    const spool = new Spool({ directory: spoolFolder, owners: new Set([0]), clock: systemClock });
    await using management = linkTo({ listener: { onState: (text) => states.push(text) } });
    const options = {
      ...({ keeper: KEEPER, usersBy: "common-name", lineRate: 250_000, clock: systemClock } as const),
      knownCounters: () => [],
    };
    const source = new OpenvpnSource({
      ...options,
      management,
      events: { onEnded: (news) => ended.push(...news) },
    });
    const fromFile = new StatusFileSource({ ...options, path: bed.statusFile, events: {} });
    const look = async () => {
      const spooled = await spool.look();
      expect(spooled.refused).toEqual([]);
      finals.push(...spooled.finals);
      source.takeFinals(spooled.finals);
      for (const { file } of spooled.finals) await spool.remove(file);
      const { readings } = await source.read("all", signal);
      for (const { counter, traffic } of readings) {
        totals.set(counter, { up: traffic.uplink, down: traffic.downlink });
      }
    };
    await bed.run("up");
    await until("the line is up", () => management.connected);
    await look();
    expect([...totals.keys()].map((counter) => /:server:(\w+)#/.exec(counter)?.[1])).toEqual(
      expect.arrayContaining(["alice", "bob"]),
    );
    // One after the other: both would listen at the same port of the server.
    expect(await bed.traffic(5, "alice", "down")).toBe(true);
    expect(await bed.traffic(3, "bob", "up")).toBe(true);
    await look();
    const file = await until("the file has both", async () => {
      const { readings } = await fromFile.read("all", signal).catch(() => ({ readings: [] }));
      return readings.length === 2 && readings;
    });
    expect(file.map(({ counter }) => totals.has(counter))).toEqual([true, true]);
    await management.command("kill bob"); // at once: the hook runs, and he comes again
    await until(
      "bob is back with another number",
      async () => {
        await look();
        return [...totals.keys()].filter((counter) => counter.includes(":bob#")).length === 2;
      },
      30_000,
    );
    expect(await bed.traffic(2, "bob", "down")).toBe(true);
    await bed.run("server", "usr1");
    await until("both hooks have run again", async () => {
      await look().catch(() => undefined);
      return finals.length >= 3;
    });
    await bed.run("server", "term");
    await until("all ends are told", async () => {
      await look().catch(() =>
        source
          .pending()
          ?.readings.forEach(({ counter, traffic }) =>
            totals.set(counter, { up: traffic.uplink, down: traffic.downlink }),
          ),
      );
      return ended.length >= finals.length;
    });
    expect(states.some((state) => state.includes("RECONNECTING,SIGUSR1"))).toBe(true);
    const told = finals.map(({ commonName, traffic }) => [commonName, traffic.uplink, traffic.downlink]);
    const booked = [...totals].map(([counter, { up, down }]) => [
      /:server:(\w+)#/.exec(counter)?.[1],
      up,
      down,
    ]);
    const sorted = (rows: readonly (readonly unknown[])[]) =>
      rows.map((row) => row.join(" ")).toSorted((a, b) => a.localeCompare(b));
    expect(sorted(booked)).toEqual(sorted(told));
    expect(ended.every(({ exact }) => exact)).toBe(true);
    expect(told.find(([name, , down]) => name === "alice" && Number(down) > 5 * 2 ** 20)).toBeDefined();
  });
});
