/** `sluice import legacy` on a hand-made old installation: what it takes, what it tells, what it leaves. */
import { appendFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadSettings } from "../../src/config.ts";
import { ControlClient } from "../../src/control/client.ts";
import { changedSinceImport } from "../../src/storage/legacy/import-record.ts";
import type { Refusal } from "../../src/storage/legacy/legacy-text.ts";
import { filesBelow } from "../support/files-below.ts";
import { makeSluice, type Sluice } from "../support/sluice.ts";

const FIXTURE = new URL("../fixtures/legacy", import.meta.url);
const MIB = 1024 * 1024;
const LIMITS = {
  ...{ ann: 5120, bob: 10_240, carl: 2048, kim: 0, last: 700, lee: 300, pat: 1000, quin: 2048, sam: 3072 },
  tabs: 10,
};
/** File, line: each that is not taken, but for hosts. */
const NOT_TAKEN: readonly (readonly [string, number, RegExp])[] = [
  ["myvpn/usage/pat.json", 0, /daily_limit/],
  ["myvpn/usage/torn.json.legacy", 0, /expected JSON/],
  ["shadowsocks/rex", 1, /3e\+09.*awk rounded/],
  ["trojan/config.json", 0, /a file of 93/],
  ["vmess/bob", 1, /bw-limit\.conf has a row/],
  ["vmess/notes", 1, /got something else/],
  ["vmess/quin", 1, /vless\/quin is larger/],
  ["xray/bw-disabled.conf", 2, /has that name/],
  ["xray/bw-disabled.conf", 3, /3 fields/],
  ["xray/bw-limit.conf", 6, /line 7 of .* counts/],
  ["xray/bw-limit.conf", 8, /awk rounded/],
  ["xray/bw-limit.conf", 9, /"-5"/],
  ["xray/bw-limit.conf", 10, /"10GB"/],
  ["xray/bw-limit.conf", 11, /"1\.5"/],
  ["xray/bw-limit.conf", 12, /"abc"/],
  ["xray/bw-limit.conf", 13, /got 4/],
  ["xray/bw-limit.conf", 14, /got 2/],
  ["xray/bw-limit.conf", 15, /has that name/],
  ["xray/bw-limit.conf", 18, /"socks"/],
  ["xray/bw-limit.conf", 19, /has that name/],
  ["xray/bw-limit.conf", 20, /has that name/],
  ["xray/bw-limit.conf", 21, /256 bytes/],
  ["xray/bw-limit.conf", 22, /uid is 0/],
  ["xray/bw-limit.conf", 23, /control character/],
  ["xray/bw-limit.conf", 24, /2\^53 - 1/],
  ["xray/bw-limit.conf", 25, /was deleted/],
];

let sluice: Sluice;
let root: string;

beforeAll(async () => {
  sluice = await makeSluice({ hosts: { retention_days: 36_500 }, time_zone: "UTC" });
  root = join(sluice.directory, "old");
  await cp(FIXTURE, root, { recursive: true });
  await mkdir(join(sluice.directory, "state/deleted/old-20261101T101010Z"), { recursive: true });
  const settings = await readFile(sluice.settingsPath, "utf8");
  await writeFile(sluice.settingsPath, `// mine\n${settings}`);
});

afterAll(() => sluice[Symbol.asyncDispose]());

async function runImport(...args: readonly string[]) {
  const { status, stdout, stderr } = await sluice.run("import", "legacy", "--root", root, "--json", ...args);
  return { status, stderr, ...(JSON.parse(stdout) as Answer) };
}

/** Asks the running daemon. */
async function ask<Answered>(question: (desk: ControlClient) => Promise<Answered>): Promise<Answered> {
  using client = new ControlClient(join(sluice.directory, "run/control.sock"));
  return await question(client);
}

function setLimit(name: string, totalBytes: number) {
  const request = { dailyBytes: undefined, period: "", yes: true, create: false };
  return ask((desk) => desk.setLimit({ name, totalBytes, ...request }));
}

interface Answer {
  readonly accounts: readonly {
    readonly name: string;
    readonly usageBytes?: number;
    readonly cuts: boolean;
  }[];
  readonly refusals: readonly Refusal[];
  readonly hosts: number;
  readonly done: boolean;
}

test("without --yes, where nobody can be asked, it shows everything and changes nothing", async () => {
  const answer = await runImport();
  expect(answer).toMatchObject({ status: 2, done: false, stderr: expect.stringContaining("--yes") });
  const accounts = answer.refusals.filter(({ file }) => !/captured-hosts|hosts\.log/.test(file));
  expect(accounts.map(({ file, line }) => [file.slice(`${root}/etc/`.length), line])).toEqual(
    NOT_TAKEN.map(([file, line]) => [file, line]),
  );
  for (const [index, [, , why]] of NOT_TAKEN.entries()) expect(accounts[index]?.why).toMatch(why);
  expect(JSON.stringify(answer)).not.toMatch(/s3cret|long secret/);
  expect(await sluice.users()).toEqual([]);
  expect(await readFile(sluice.settingsPath, "utf8")).not.toContain("uplink");
  const { stdout } = await sluice.run("import", "legacy", "--root", root);
  expect(stdout).toMatch(/^bob +vmess +10\.00 GB +new +limit set$/m);
  expect(stdout).toContain('    line 12, "hal abc vmess": expected a whole number of MB, got "abc"\n');
  expect(stdout).toContain("Nothing was changed.");
  // oxlint-disable-next-line no-control-regex -- it is what must not be there
  expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
});

describe("with a daemon", () => {
  beforeAll(async () => {
    await sluice.start();
  });

  test("it takes the limits, has the daemon count uplink, and leaves their files as they are", async () => {
    const before = await filesBelow(root);
    expect(await runImport("--yes")).toMatchObject({ status: 0, done: true, hosts: 4, stderr: "" });
    const rows = await ask((desk) => desk.listUsers(""));
    expect(Object.fromEntries(rows.map((row) => [row.name, row.totalLimitBytes / MIB]))).toEqual(LIMITS);
    const of = (name: string) => rows.find((row) => row.name === name);
    expect(of("kim")).toMatchObject({ state: "disabled" });
    expect(of("ann")).toMatchObject({ enrolled: ["ssh"], totalBytes: 0 });
    expect(of("bob")).toMatchObject({ enrolled: ["xray"], totalBytes: 0 });
    expect(await readFile(sluice.settingsPath, "utf8")).toMatch(/^\/\/ mine\n\{\n {2}"count": "uplink",\n/);
    expect(await ask((desk) => desk.status())).toMatchObject({ count: "uplink" });
    expect(await filesBelow(root)).toEqual(before);
    expect(
      (await readFile(join(sluice.directory, "data/hosts/hosts.log"), "utf8")).split("\n").sort(),
    ).toEqual([
      "",
      "www.both.example|SNI|N/A|2026-11-01 10:00:01",
      "www.byhand.example|VMESS|N/A|2026-11-02 11:00:02",
      "www.four.example|Header-Host|203.0.113.9|2026-11-02 11:00:00",
      "www.old-three.example|SSH|N/A|2026-11-01 10:00:00",
    ]);
  });

  test("a second time it changes nothing, whatever was ordered here since", async () => {
    await setLimit("bob", 77 * MIB);
    await setLimit("carl", 0);
    await ask((desk) => desk.setDisabled("kim", false));
    await sluice.run("hosts", "remove", "www.four.example");
    const stands = async () => [
      await ask((desk) => desk.listUsers("")),
      await sluice.events(),
      await filesBelow(join(sluice.directory, "data")),
      await readFile(sluice.settingsPath, "utf8"),
    ];
    const before = await stands();
    expect(await runImport()).toMatchObject({ status: 0, accounts: [], hosts: 0 });
    expect(await stands()).toEqual(before);
  });

  test("usage is taken when asked for: it cuts, and enrols nobody", async () => {
    const answer = await runImport("--usage", "--yes");
    expect(answer.accounts.map(({ name, usageBytes, cuts }) => [name, usageBytes, cuts])).toEqual([
      ["ann", 6 * 1024 ** 3, true],
      ["bob", 4 * 1024 ** 3, true],
      ["last", 800_000_000, true],
      ["pat", 1000, false],
      ["quin", 1100, false],
      ["sam", 4 * 1024 ** 3, true],
    ]);
    expect(answer.refusals).toContainEqual(expect.objectContaining({ text: "tabs 9007199254740991" }));
    expect(await sluice.row("ann")).toMatchObject({
      ...{ state: "limited", totalBytes: 6 * 1024 ** 3, totalUplinkBytes: 6 * 1024 ** 3, enrolled: [] },
    });
    expect(await runImport("--usage")).toMatchObject({ status: 0, accounts: [] });
    await setLimit("ann", 9 * 1024 ** 3);
    expect(await sluice.row("ann")).toMatchObject({ state: "ok", enrolled: ["ssh"] });
  });

  test("a row that changed is a change again, and is known for one until it is taken", async () => {
    const settings = await loadSettings(sluice.settingsPath, {});
    expect(await changedSinceImport(settings)).toEqual([]);
    const file = join(root, "etc/xray/bw-limit.conf");
    await appendFile(file, "\nbob 20480 vmess\n");
    await appendFile(
      join(root, "etc/xray/captured-hosts.txt"),
      "www.later.example|SSH|2026-11-03 10:00:00\n",
    );
    expect(await changedSinceImport(settings)).toEqual([file, join(root, "etc/xray/captured-hosts.txt")]);
    expect(await runImport("--yes")).toMatchObject({
      accounts: [{ name: "bob", totalBytes: 20_480 * MIB, what: "limit changed, it was 10.00 GB" }],
      hosts: 1,
    });
    expect(await sluice.row("bob")).toMatchObject({ totalLimitBytes: 20_480 * MIB });
    expect(await changedSinceImport(settings)).toEqual([]);
  });

  test("--count that is asked for takes the place of the one in the file", async () => {
    expect(await runImport("--count", "both", "--yes")).toMatchObject({ status: 0, done: true });
    expect(await ask((desk) => desk.status())).toMatchObject({ count: "both" });
  });
});

test("where there is nothing of theirs it says what it looks for", async () => {
  const empty = join(sluice.directory, "empty");
  await mkdir(empty);
  expect(await sluice.run("import", "legacy", "--root", empty, "--yes")).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/expected bw-limit\.conf and its kin in ".*\/etc\/xray"/),
  });
  await rm(empty, { recursive: true });
});
