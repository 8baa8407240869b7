import { appendFile, mkdtempDisposable, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SourceUnavailableError } from "../../../src/errors.ts";
import { keeperName } from "../../../src/names.ts";
import { StatusFileSource, wholeStatus } from "../../../src/sources/openvpn/status-file-source.ts";
import { unixTime } from "../../../src/units.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { recording } from "./fixtures.ts";

const { signal } = new AbortController();
const WRITTEN = 1_795_221_242;
const V3 = recording("status/v3-two-clients.log").toString("utf8");

/** Sleeps are over at once, after what the server does meanwhile. */
class SettlingClock extends ManualClock {
  sleeps = 0;
  meanwhile: () => Promise<void> = async () => undefined;

  override async sleep(): Promise<void> {
    this.sleeps += 1;
    await this.meanwhile();
  }
}

async function stage(text: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-status-"));
  const path = join(folder.path, "status.log");
  const clock = new SettlingClock((WRITTEN + 1) * 1000);
  const options = {
    keeper: keeperName("openvpn:server"),
    usersBy: "common-name",
    lineRate: 250_000,
  } as const;
  const source = new StatusFileSource({ ...options, path, clock, knownCounters: () => [], events: {} });
  /** As the server does it: in place. */
  let writes = 0;
  const write = async (content: string, ago = 500) => {
    await writeFile(path, content);
    const at = (clock.unix() - ago + writes++) / 1000;
    await utimes(path, at, at);
  };
  await write(text);
  return { path, clock, source, write, [Symbol.asyncDispose]: () => folder.remove() };
}

/** What was in the file when the server had written it `seconds` later, `more` bytes later. */
function later(seconds: number, more = 0): string {
  return V3.replace(`\t${WRITTEN}\n`, `\t${WRITTEN + seconds}\n`).replace(
    "1109394",
    String(1_109_394 + more),
  );
}

describe("StatusFileSource", () => {
  test.for([1, 2, 3])("reads version %i", async (version) => {
    await using at = await stage(recording(`status/v${version}-two-clients.log`).toString("utf8"));
    const written =
      { 1: Date.parse("2026-11-21T00:33:41") / 1000, 2: 1_795_221_232, 3: WRITTEN }[version] ?? 0;
    at.clock.setUnix((written + 1) * 1000);
    const { readings, askedAt, complete } = await at.source.read("all", signal);
    expect(readings.map(({ user }) => user).toSorted((a, b) => a.localeCompare(b))).toEqual(["alice", "bob"]);
    expect([askedAt, complete]).toEqual([written * 1000, true]);
  });

  test("tells what moved, and nothing of a file that was not written since", async () => {
    await using at = await stage(V3);
    expect((await at.source.read("all", signal)).readings).toHaveLength(2);
    expect(await at.source.read("all", signal)).toMatchObject({
      complete: true,
      readings: [],
      askedAt: WRITTEN * 1000,
    });
    await at.write(later(1, 6));
    const { readings } = await at.source.read("all", signal);
    expect(readings).toMatchObject([{ user: "bob", traffic: { uplink: 1_109_400 } }]);
  });

  test.for([
    { name: "is cut off", spoil: (path: string) => truncate(path, V3.length - 3) },
    { name: "is empty", spoil: (path: string) => truncate(path, 0) },
    { name: "goes on behind END", spoil: (path: string) => appendFile(path, V3.slice(-300)) },
  ])("books nothing of a file that $name, and reads it once more", async ({ spoil }) => {
    await using at = await stage(later(1));
    await spoil(at.path);
    await expect(at.source.read("all", signal)).rejects.toThrow(SourceUnavailableError);
    expect(at.clock.sleeps).toBe(1);
    expect(at.source.pending()).toBeUndefined();
    at.clock.meanwhile = () => at.write(later(2)); // the server was in the middle of it
    expect((await at.source.read("all", signal)).readings).toHaveLength(2);
  });

  test("waits until a file that was just changed has settled", async () => {
    await using at = await stage(V3);
    await at.write(later(1), 10);
    at.clock.meanwhile = () => at.write(later(1, 6));
    expect((await at.source.read("all", signal)).readings[0]?.traffic.uplink).toBe(1_109_400);
    expect(at.clock.sleeps).toBe(1);
  });

  test("says the age of a file that is not written any longer, and books what it counted once", async () => {
    await using at = await stage(V3);
    at.clock.setUnix((WRITTEN + 181) * 1000);
    await expect(at.source.read("all", signal)).rejects.toThrow(
      `${at.path} was written 181 s ago and is due every 60 s: the server may be dead`,
    );
    expect(at.source.pending()?.readings).toHaveLength(2);
    expect(at.source.pending()).toBeUndefined();
    await expect(at.source.read("all", signal)).rejects.toThrow("181 s ago");
    expect(at.source.pending()).toBeUndefined();
  });

  test.for([
    { interval: 1, most: 15 },
    { interval: 600, most: 1800 },
  ])("expects a file that is written every $interval s within $most s", async ({ interval, most }) => {
    await using at = await stage(V3);
    await at.source.read("all", signal);
    await at.write(later(interval));
    at.clock.setUnix((WRITTEN + interval) * 1000 + 100);
    await at.source.read("all", signal);
    at.clock.setUnix((WRITTEN + interval + most) * 1000);
    await at.source.read("all", signal);
    at.clock.setUnix((WRITTEN + interval + most + 1) * 1000);
    await expect(at.source.read("all", signal)).rejects.toThrow(`is due every ${interval} s`);
  });

  test("takes a hook's figures while the file stands still", async () => {
    await using at = await stage(V3);
    await at.source.read("all", signal);
    const traffic = { uplink: 1_200_000, downlink: 50_000 } as never;
    at.source.takeFinals([
      {
        file: "1.2.3.4",
        writtenAt: unixTime((WRITTEN + 1) * 1000),
        commonName: "bob",
        signedInAs: undefined,
        since: 1_795_221_240,
        duration: 3,
        realAddress: "10.97.2.2:56740",
        addresses: [],
        traffic,
      },
    ]);
    expect((await at.source.read("all", signal)).readings).toMatchObject([
      { counter: "openvpn:server:bob#1795221240/1", traffic },
    ]);
  });

  test.for([
    { name: "nothing", path: (folder: string) => join(folder, "missing"), why: "ENOENT" },
    { name: "a folder", path: (folder: string) => folder, why: "to be a file of at most" },
  ])("is unavailable where there is $name", async ({ path, why }) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-status-"));
    const source = new StatusFileSource({
      keeper: keeperName("openvpn:server"),
      usersBy: "common-name",
      lineRate: 1,
      path: path(folder.path),
      clock: new ManualClock(),
      knownCounters: () => [],
      events: {},
    });
    await expect(source.read("all", signal)).rejects.toThrow(why);
  });
});

test("wholeStatus() takes no part of a status for one, wherever it is cut", () => {
  for (const version of [1, 2, 3]) {
    const text = recording(`status/v${version}-two-clients.log`).toString("utf8");
    expect(wholeStatus(text)).toEqual(wholeStatus(text.replaceAll("\n", "\r\n")));
    for (let length = 0; length < text.length; length++) {
      expect(() => wholeStatus(text.slice(0, length))).toThrow("does not end in END");
    }
  }
});
