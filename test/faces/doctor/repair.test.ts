import { lstatSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Change } from "../../../src/faces/doctor/change.ts";
import { changeText } from "../../../src/faces/doctor/change.ts";
import { problem } from "../../../src/faces/doctor/finding.ts";
import { readFixes, writeFixes } from "../../../src/faces/doctor/fix-record.ts";
import type { Host } from "../../../src/faces/doctor/host.ts";
import { fixAll, type Repair, undoAll } from "../../../src/faces/doctor/repair.ts";
import { isRoot, needs } from "../../support/requirements.ts";
import { scratchHost, type Tree } from "../../support/scratch-host.ts";

/** Says yes to everything unless told otherwise, and keeps what it was asked. */
function repairOf(host: Host, root: string, agrees = true): Repair & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    ...{ host, asked, timeZone: "UTC", record: join(root, "var/lib/sluice/fixes.json") },
    agree: async ({ what, undo }, verb) => {
      asked.push(`${verb}: ${what} / ${undo}`);
      return agrees;
    },
    now: () => new Date(Date.UTC(2026, 0, 15)),
  };
}

function fix(change: Change, repair: Repair) {
  return fixAll([problem("a-check", "a fault", "", change)], repair);
}

const CRON = "/etc/cron.d/capture_host";
const MOVE: Change = { kind: "move", from: CRON, to: `${CRON}.disabled-by-sluice` };
/** Writes down what it was asked to do. */
const SYSTEMCTL: Tree = {
  "/bin/systemctl": { text: '#!/bin/sh\necho "$@" >>"$0.log"\n', mode: 0o755 },
  "/run/systemd/system": { folder: 0o755 },
};
const told = (root: string) => readFileSync(`${root}/bin/systemctl.log`, "utf8").split("\n").slice(0, -1);

test("fixAll() shows a change, keeps it in the record and makes it; undoAll() shows and takes it back", async () => {
  const { host, root } = scratchHost({ [CRON]: "* * * * * root x\n" });
  const repair = repairOf(host, root);
  expect(await fix(MOVE, repair)).toMatchObject([{ check: "a-check", done: true, trouble: "" }]);
  expect([host.read(CRON), host.read(MOVE.to)]).toEqual([undefined, "* * * * * root x\n"]);
  expect(await readFixes(repair.record)).toEqual([
    { at: "2026-01-15T00:00:00.000Z", check: "a-check", change: MOVE },
  ]);
  expect(statSync(repair.record).mode & 0o777).toBe(0o600);

  expect(await undoAll(repair)).toMatchObject([{ done: true, trouble: "" }]);
  expect([host.read(CRON), host.read(MOVE.to)]).toEqual(["* * * * * root x\n", undefined]);
  expect(await readFixes(repair.record)).toEqual([]);
  expect(repair.asked).toEqual([
    `fix: move ${CRON} to ${MOVE.to} / move it back`,
    `undo: move ${CRON} to ${MOVE.to} / move it back`,
  ]);
});

test("nothing changes without a yes, and nothing is kept", async () => {
  const { host, root } = scratchHost({ [CRON]: "x" });
  const repair = repairOf(host, root, false);
  expect(await fix(MOVE, repair)).toMatchObject([{ done: false, trouble: "" }]);
  expect([host.read(CRON), await readFixes(repair.record)]).toEqual(["x", []]);
});

test("a change that fails is not kept; one that cannot be taken back stays in the record", async () => {
  const { host, root } = scratchHost({ [CRON]: "x", [MOVE.to]: "in the way" });
  const repair = repairOf(host, root);
  const [failed] = await fix(MOVE, repair);
  expect(failed).toMatchObject({
    done: false,
    trouble: expect.stringContaining("a file of that name is there"),
  });
  expect(await readFixes(repair.record)).toEqual([]);

  const kept = { at: "", check: "a-check", change: { ...MOVE, to: "/etc/cron.d/gone" } };
  await writeFixes(repair.record, [kept]);
  expect(await undoAll(repair)).toMatchObject([
    { done: false, trouble: expect.stringContaining("not there any more") },
  ]);
  expect(await readFixes(repair.record)).toEqual([kept]);
});

test.each([
  ["torn", '{"version": 1, "fix'],
  ["of a later version", '{"version": 2, "fixes": []}'],
])("a record that is %s is left alone, and nothing is changed", async (_, text) => {
  const { host, root } = scratchHost({ [CRON]: "x", "/var/lib/sluice/fixes.json": text });
  const repair = repairOf(host, root);
  await expect(fix(MOVE, repair)).rejects.toThrow(/Cannot read the state in ".*fixes.json"/);
  expect([host.read(CRON), host.read("/var/lib/sluice/fixes.json")]).toEqual(["x", text]);
});

test.each([
  [
    "an old unit",
    { to: "disabled", was: { enabled: true, active: true } },
    ["disable --now -- q.service", "enable --now -- q.service"],
  ],
  [
    "an old unit that only ran",
    { to: "disabled", was: { enabled: false, active: true } },
    ["disable --now -- q.service", "start -- q.service"],
  ],
  [
    "a unit of ours",
    { to: "enabled", was: { enabled: false, active: false } },
    ["enable -- q.service", "disable -- q.service"],
  ],
] as const)("%s is switched by systemctl, and back to what it was", async (_, change, want) => {
  const { host, root } = scratchHost(SYSTEMCTL);
  const repair = repairOf(host, root);
  await fix({ kind: "unit", unit: "q.service", ...change }, repair);
  await undoAll(repair);
  expect(told(root)).toEqual(want);
});

describe.skipIf(!isRoot)(`who may write a file${needs("root")}`, () => {
  const path = "/etc/myvpn/sluice.json";
  const from = { mode: 0o666, uid: 1001, gid: 1001 };
  const to = { mode: 0o644, uid: 0, gid: 1001 };
  const access: Change = {
    kind: "access",
    items: [{ path, from: { ...from, uid: 0, gid: 0 }, to: { ...to, gid: 0 } }],
  };
  const tree: Tree = { [path]: { text: "{}", mode: 0o666 } };

  test("is taken away and given back", async () => {
    const { host, root } = scratchHost(tree);
    const repair = repairOf(host, root);
    await fix(access, repair);
    expect((host.stat(path)?.mode ?? 0) & 0o777).toBe(0o644);
    await undoAll(repair);
    expect((host.stat(path)?.mode ?? 0) & 0o777).toBe(0o666);
  });

  test("is as it was for all files when one of them refuses", async () => {
    const { host, root } = scratchHost(tree);
    const item = { from: { mode: 0o666, uid: 0, gid: 0 }, to: { mode: 0o644, uid: 0, gid: 0 } };
    const items = [
      { path, ...item },
      { path: "/gone", ...item },
    ];
    expect(await fix({ kind: "access", items }, repairOf(host, root))).toMatchObject([{ done: false }]);
    expect((host.stat(path)?.mode ?? 0) & 0o777).toBe(0o666);
  });

  test.each([
    [
      "a link that was put in its place",
      (root: string) => symlinkSync("/etc/passwd", join(root, path)),
      /ELOOP/,
    ],
    [
      "another file",
      (root: string) => writeFileSync(join(root, path), "", { mode: 0o600 }),
      /changed meanwhile/,
    ],
  ])("is left alone for %s", async (_, put, why) => {
    const { host, root } = scratchHost({ "/etc/myvpn": { folder: 0o755 } });
    put(root);
    const before = statSync("/etc/passwd").mode;
    expect(await fix(access, repairOf(host, root))).toMatchObject([
      { done: false, trouble: expect.stringMatching(why) },
    ]);
    expect(statSync("/etc/passwd").mode).toBe(before);
  });
});

test("connection tracking gets room, now and for the next boot, and loses it again", async () => {
  const max = "/proc/sys/net/netfilter/nf_conntrack_max";
  const { host, root } = scratchHost({
    [max]: "8192\n",
    "/proc/sys/net/netfilter/nf_conntrack_count": "1\n",
  });
  const repair = repairOf(host, root);
  await fix({ kind: "conntrack", from: 8192, to: 65_536, dropIn: "/etc/sysctl.d/60-sluice.conf" }, repair);
  expect([host.read(max), host.read("/etc/sysctl.d/60-sluice.conf")]).toEqual([
    "65536\n",
    expect.stringContaining("net.netfilter.nf_conntrack_max = 65536\n"),
  ]);
  await undoAll(repair);
  expect([host.read(max)?.trim(), host.read("/etc/sysctl.d/60-sluice.conf")]).toEqual(["8192", undefined]);
});

test.each([
  ["none", null],
  ["one of Sluice's that leaves splice on", "# Written by Sluice\n[Service]\n"],
])("the engine's drop-in is written over %s, and put back", async (_, before) => {
  const path = "/etc/systemd/system/xray.service.d/sluice.conf";
  const { host, root } = scratchHost({ ...SYSTEMCTL, ...(before !== null && { [path]: before }) });
  const repair = repairOf(host, root);
  const text = "# Written by Sluice\n[Service]\nEnvironment=XRAY_BUF_SPLICE=disable\n";
  await fix({ kind: "drop-in", unit: "xray.service", path, before, text }, repair);
  expect(host.read(path)).toBe(text);
  await undoAll(repair);
  expect(host.read(path) ?? null).toBe(before);
  expect(told(root)).toEqual(["daemon-reload", "daemon-reload"]);
});

test("hosts.log becomes the capture's list with what an editor left, and a plain file again", async () => {
  const old = "old.example|SNI|N/A|2026-01-01 00:00:00\n";
  const fresh = "new.example|SNI|N/A|2036-01-01 00:00:00\n";
  const { host, root } = scratchHost({
    "/etc/myvpn/hosts.log": old,
    "/var/lib/sluice/hosts/hosts.log": fresh,
  });
  const repair = repairOf(host, root);
  const change: Change = {
    kind: "hosts-link",
    link: "/etc/myvpn/hosts.log",
    target: "/var/lib/sluice/hosts/hosts.log",
  };
  expect(await fix(change, repair)).toMatchObject([{ done: true }]);
  expect(readlinkSync(join(root, change.link))).toBe(join(root, change.target));
  expect(host.read(change.target)).toBe(old + fresh);
  await undoAll(repair);
  expect(lstatSync(join(root, change.link)).isFile()).toBe(true);
  expect(host.read(change.link)).toBe(old + fresh);
});

test("changeText() says what every kind of change does, and how it is taken back", () => {
  const access = { mode: 0o777, uid: 1000, gid: 0 };
  expect(
    changeText({
      kind: "access",
      items: [{ path: "/x", from: access, to: { ...access, mode: 0o755, uid: 0 } }],
    }),
  ).toEqual({
    what: "chown 0:0 and chmod 0755 /x",
    undo: "chown 1000:0 and chmod 0777 /x",
  });
  expect(
    changeText({ kind: "unit", unit: "q.service", to: "disabled", was: { enabled: true, active: false } }),
  ).toEqual({
    what: "systemctl disable --now q.service",
    undo: "systemctl enable q.service",
  });
});
