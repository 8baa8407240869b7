/** The host's side: clock, disk, permissions, kernel, SSH, capture; and the daemon among its processes. */
import { lstatSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { UserRow } from "../../../../src/control/rows.ts";
import type { DaemonWord } from "../../../../src/faces/doctor/case.ts";
import {
  lookAtCapture,
  lookAtHostsLink,
  lookAtTcpdump,
} from "../../../../src/faces/doctor/checks/capture.ts";
import { lookAtClock, lookAtZone } from "../../../../src/faces/doctor/checks/clock.ts";
import {
  lookAtDaemon,
  lookAtSources,
  lookAtWatchdog,
  lookForOthers,
} from "../../../../src/faces/doctor/checks/daemon.ts";
import { judgeRoom, lookAtDisk } from "../../../../src/faces/doctor/checks/disk.ts";
import { foreignMarks } from "../../../../src/faces/doctor/checks/foreign-marks.ts";
import {
  lookAtConntrack,
  lookAtDestroy,
  lookAtNftables,
} from "../../../../src/faces/doctor/checks/kernel.ts";
import { lookAtPermissions } from "../../../../src/faces/doctor/checks/permissions.ts";
import { lookAtDropbear, lookAtSshd } from "../../../../src/faces/doctor/checks/ssh.ts";
import { judgeAlikeNames, judgeSharedNames, judgeStops } from "../../../../src/faces/doctor/checks/users.ts";
import type { Finding } from "../../../../src/faces/doctor/finding.ts";
import { Host } from "../../../../src/faces/doctor/host.ts";
import { knownNames } from "../../../../src/faces/doctor/known-names.ts";
import { needs } from "../../../support/requirements.ts";
import { caseOf, processTree, scratchHost, stub, type Tree } from "../../../support/scratch-host.ts";

function said(findings: readonly Finding[]): string[] {
  return findings.map(({ level, text }) => `${level}: ${text}`);
}

const on = (tree: Tree, settings: object = {}) => caseOf(scratchHost(tree).host, settings);

test.each([
  [true, "ok: the clock follows a time server"],
  [false, "warning: the clock follows no time server"],
  [undefined, "warning: clock: could not look: the kernel does not tell"],
])("lookAtClock() with the kernel's word %s", (word, want) => {
  expect(said(lookAtClock(word))[0]?.slice(0, want.length)).toBe(want);
});

test.each([
  ["as the host has it", "Asia/Jakarta", "Asia/Jakarta", "ok: days turn at midnight in Asia/Jakarta"],
  [
    "of their own",
    "Asia/Jakarta",
    "UTC",
    "warning: days turn at midnight in UTC (time_zone), and this host's clock shows Asia/Jakarta",
  ],
  ["UTC by another name", "Etc/UTC", "UTC", "ok: "],
  [
    "with a zone that is misspelt",
    "Asia/Kuala_lumpur",
    "UTC",
    `problem: this host's time zone "Asia/Kuala_lumpur" does not exist`,
  ],
])("lookAtZone() with days %s", (_, link, time_zone, want) => {
  const zones = {
    "/usr/share/zoneinfo/Asia/Jakarta": "",
    "/usr/share/zoneinfo/Asia/Kuala_Lumpur": "",
    "/usr/share/zoneinfo/Etc/UTC": "",
  };
  const tree = { ...zones, "/etc/localtime": { link: `/usr/share/zoneinfo/${link}` } };
  const [finding] = lookAtZone(on(tree, { time_zone }));
  expect(`${finding?.level}: ${finding?.text}`.slice(0, want.length)).toBe(want);
  if (finding?.level === "problem") expect(finding.advice).toBe("timedatectl set-timezone Asia/Kuala_Lumpur");
});

test.each([
  ["plenty", { freeBytes: 2 ** 34, freeInodes: 10 ** 6 }, []],
  ["little", { freeBytes: 2 ** 27, freeInodes: 10 ** 6 }, ["warning: 128.00 MB are left for /etc/myvpn"]],
  ["next to nothing", { freeBytes: 0, freeInodes: 10 ** 6 }, ["problem: 0.00 KB are left for /etc/myvpn"]],
  ["no inodes", { freeBytes: 2 ** 34, freeInodes: 3 }, ["problem: 3 inodes are left for /etc/myvpn"]],
  ["inodes without a number", { freeBytes: 2 ** 34, freeInodes: 0, totalInodes: 0 }, []],
])("judgeRoom() with %s", (_, room, want) => {
  const all = { totalBytes: 2 ** 40, totalInodes: 10 ** 7, ...room };
  expect(
    said(judgeRoom(all, ["/etc/myvpn"])).map((text) => text.replace(/ 0\.00 KB| 0 bytes| 0 B/, " 0.00 KB")),
  ).toEqual(want);
});

test("lookAtDisk() looks where the folders are, or where they would be made", () => {
  expect(said(lookAtDisk(on({ "/etc/myvpn/usage/x": "" })))).toEqual([
    expect.stringMatching(/^ok: there is room/),
  ]);
});

describe("lookAtPermissions()", () => {
  const GOOD: Tree = {
    "/etc/myvpn": { folder: 0o755 },
    "/etc/myvpn/usage": { folder: 0o750 },
    "/etc/myvpn/usage/joe.json": { text: "{}", mode: 0o640 },
    "/etc/myvpn/sluice.json": { text: "{}", mode: 0o644 },
  };
  test.skipIf(needs("root"))(`finds nothing where only root may write${needs("root")}`, () => {
    expect(said(lookAtPermissions(on(GOOD)))).toEqual(["ok: only their owner can write settings and books"]);
  });

  test.skipIf(needs("root")).each([
    ["/etc/myvpn/sluice.json", 0o666, 0o644],
    ["/etc/myvpn/usage", 0o777, 0o755],
    ["/etc/myvpn/usage/joe.json", 0o660, 0o640],
  ])("tells who may write %s with mode %o, and what to make of it", (path, mode, to) => {
    const entry = path.endsWith("usage") ? { folder: mode } : { text: "{}", mode };
    const [finding] = lookAtPermissions(on({ ...GOOD, [path]: entry }));
    expect(finding).toMatchObject({
      level: "problem",
      fix: { items: [{ path, from: { mode }, to: { mode: to } }] },
    });
  });

  test("takes the mode that the settings give account files for meant", () => {
    const tree = { ...GOOD, "/etc/myvpn/usage/joe.json": { text: "{}", mode: 0o660 } };
    expect(said(lookAtPermissions(on(tree, { usage_file_mode: "0660" })))).toEqual([
      expect.stringMatching(/^ok: /),
    ]);
  });

  test("tells of a control socket that others may use", () => {
    const tree = { ...GOOD, "/run/sluice/control.sock": { text: "", mode: 0o666 } };
    expect(said(lookAtPermissions(on(tree)))).toEqual([
      "problem: others may order the daemon at /run/sluice/control.sock (666)",
    ]);
  });
});

describe("lookAtConntrack()", () => {
  const tracking = (max: number, count: number): Tree => ({
    "/proc/sys/net/netfilter/nf_conntrack_max": `${max}\n`,
    "/proc/sys/net/netfilter/nf_conntrack_count": `${count}\n`,
    "/proc/net/sockstat": "TCP: inuse 30 orphan 0 tw 4 alloc 1 mem 1\nUDP: inuse 3 mem 1\n",
  });
  test.each([
    ["room enough", tracking(65_536, 100), "ok", undefined],
    ["a small one", tracking(8_192, 100), "warning", 65_536],
    ["one that is nearly full", tracking(262_144, 240_000), "problem", 524_288],
    ["one without bound", tracking(0, 240_000), "ok", undefined],
    ["none yet", {}, "ok", undefined],
  ])("judges a table with %s", (_, tree, level, to) => {
    const [finding] = lookAtConntrack(on(tree as Tree));
    expect([finding?.level, finding?.fix && "to" in finding.fix && finding.fix.to]).toEqual([level, to]);
  });
});

const kernel = needs("root", "nft");
test.skipIf(kernel)(`lookAtDestroy() and lookAtNftables() try it on this kernel${kernel}`, async () => {
  expect(said(await lookAtDestroy())).toEqual([expect.stringMatching(/^ok: live connections can be ended/)]);
  const real = caseOf(new Host("/", process.env["PATH"] ?? "", 0));
  expect((await lookAtNftables(real)).map(({ check }) => check)).toEqual([
    "kernel-nftables",
    "kernel-cgroups",
  ]);
});

test("lookAtNftables() tells of a kernel that refuses, and of an nft that is not there", async () => {
  expect(said(await lookAtNftables(on({})))).toEqual([
    "problem: the nft command is not installed: nobody is gated, and SSH is not counted",
  ]);
  const refusing = {
    "/bin/nft": { text: "#!/bin/sh\necho 'Operation not permitted' >&2\nexit 1\n", mode: 0o755 },
  };
  expect(said(await lookAtNftables(on(refusing)))).toEqual([
    "problem: nft cannot be used: Operation not permitted: nobody is gated, and SSH is not counted",
  ]);
});

test.each([
  ["nothing", "", []],
  [
    "our own table",
    "table inet sluice {\n\tchain out {\n\t\tct mark 0x0 ct mark set meta skuid map @m\n\t}\n}\n",
    [],
  ],
  [
    "a table of others",
    "table inet vpn {\n\tchain pre {\n\t\ttcp dport 443 ct mark set 0x00000001\n\t\tnotrack\n\t\taccept\n\t}\n}\n",
    ["nft inet vpn pre: tcp dport 443 ct mark set 0x00000001", "nft inet vpn pre: notrack"],
  ],
])("foreignMarks() finds in %s", (_, ruleset, want) => expect(foreignMarks(ruleset, [])).toEqual(want));

test("foreignMarks() reads what iptables-save prints, and knows our marks by their first byte", () => {
  const saved = [
    "*mangle",
    "-A OUTPUT -m owner --uid-owner 1001 -j CONNMARK --set-xmark 0x51000008/0xffffffff",
    "-A PREROUTING -i tun0 -j MARK --set-xmark 0x2/0xffffffff",
    "COMMIT",
    "*raw",
    "-A OUTPUT -p udp -j CT --notrack",
    "-A OUTPUT -j ACCEPT",
    "COMMIT",
  ].join("\n");
  expect(foreignMarks("", [saved])).toEqual([
    "iptables mangle: -A PREROUTING -i tun0 -j MARK --set-xmark 0x2/0xffffffff",
    "iptables raw: -A OUTPUT -p udp -j CT --notrack",
  ]);
});

describe("lookAtDropbear()", () => {
  const dropbear = (version: string): Tree => ({
    "/bin/dropbear": stub(`Dropbear v${version}`),
    ...processTree(40, ["dropbear"], { exe: "/bin/dropbear" }),
    ...processTree(41, ["dropbear"], { exe: "/bin/dropbear", parent: 40 }),
  });
  test.each([
    ["none", {}, undefined, "ok: no Dropbear runs"],
    ["one that gives up root", dropbear("2025.89"), "no cgroup v2", "ok: Dropbear 2025.89 gives up root"],
    [
      "one that keeps it, with cgroups",
      dropbear("2022.83"),
      undefined,
      "ok: Dropbear 2022.83 keeps root after a login: its users are told apart by cgroup",
    ],
    [
      "one that keeps it, without",
      dropbear("2022.83"),
      "no cgroup v2",
      "problem: Dropbear 2022.83 keeps root after a login, and its users are not counted: no cgroup v2",
    ],
    [
      "one whose program anybody may replace",
      { ...dropbear("2022.83"), "/bin": { folder: 0o777 } },
      undefined,
      "warning: ssh-dropbear: could not look: ",
    ],
    [
      "one that does not say",
      { ...dropbear("2022.83"), "/bin/dropbear": stub("?") },
      undefined,
      "warning: ssh-dropbear: could not look: ",
    ],
  ])("tells of %s", async (_, tree, obstacle, want) => {
    const findings = await lookAtDropbear(on(tree as Tree), async () => obstacle);
    expect([said(findings)[0]?.slice(0, want.length), findings.length]).toEqual([want, 1]);
  });
});

test.each([
  [
    "shells and forwards",
    "/bin/bash",
    "",
    "warning: not seen: scp, sftp and commands, and forwards to Unix sockets; 1 of 1 logins have a shell (joe), and sshd allows such forwards",
  ],
  ["neither", "/bin/false", "AllowStreamLocalForwarding no\n", "ok: logins have no shell"],
])("lookAtSshd() tells of %s", (_, shell, config, want) => {
  const tree = {
    "/etc/passwd": `joe:x:1001:1001::/home/joe:${shell}\n`,
    "/etc/ssh/sshd_config.d/vpn.conf": config,
  };
  expect(said(lookAtSshd(on(tree)))[0]?.slice(0, want.length)).toBe(want);
});

describe("names", () => {
  const name = (text: string, services = ["xray"], enrolled: string[] = []) => ({
    name: text,
    services,
    enrolled,
  });
  test.each([
    ["one service each", [name("joe"), name("ann", ["ssh"])], "ok"],
    ["a name at both, which nobody has spoken for", [name("joe", ["ssh", "xray"])], "warning"],
    ["a name at both, with a limit", [name("joe", ["ssh", "xray"], ["ssh", "xray"])], "ok"],
  ])("judgeSharedNames() with %s", (_, names, level) =>
    expect(judgeSharedNames(names)[0]?.level).toBe(level),
  );

  test.each([
    ["different people", ["joe", "joel", "1.ann"], undefined],
    ["a domain", ["joe", "joe@x"], "joe and joe@x"],
    ["a number in front", ["1.joe", "joe"], "1.joe and joe"],
    ["case alone", ["Joe", "joe"], "Joe and joe"],
    ["names that are nothing but a number and a dot", ["1.", "2."], undefined],
  ])("judgeAlikeNames() with %s", (_, names, pair) => {
    const [finding] = judgeAlikeNames(names.map((each) => name(each)));
    expect(finding?.text.split(": ")[1]).toBe(pair);
  });

  test("knownNames() without a daemon takes logins and account files, by the settings' aliases", () => {
    const tree = {
      "/etc/passwd":
        "root:x:0:0::/root:/bin/bash\njoe:x:1001:1001::/:/bin/false\nann:x:1002:1002::/:/bin/false\n",
      "/etc/myvpn/usage/joseph.json": '{"enrolled": ["ssh"]}',
    };
    expect(knownNames(on(tree, { aliases: { joe: "joseph" } }))).toEqual([
      name("joseph", ["ssh"], ["ssh"]),
      name("ann", ["ssh"]),
    ]);
  });
});

test("judgeStops() puts accounts together that stand on the same step for the same reason", () => {
  const row = (name: string, step: string, text: string) => ({
    name,
    stops: [{ keeper: "xray", step, text }],
  });
  const rows = [
    row("ann", "gate", "proven"),
    ...["a", "b", "c", "d", "e", "f"].map((each) => row(each, "cut", "no gate")),
    row("joe", "report", "no HandlerService"),
    row("kim", "report", "Sluice observes"),
  ] as unknown as UserRow[];
  expect(said(judgeStops(rows))).toEqual([
    "warning: xray: a, b, c, d, e and 1 more: cut at the limit (no gate)",
    "problem: xray: joe: only reported at the limit (no HandlerService)",
    "warning: xray: kim: only reported at the limit (Sluice observes)",
  ]);
  expect(said(judgeStops(rows.slice(0, 1)))).toEqual([
    "ok: all 1 accounts are stopped by a gate in the kernel at their limit",
  ]);
});

describe("the daemon", () => {
  const SOURCE = {
    name: "xray",
    answering: true,
    trouble: "",
    lastLookMs: Date.UTC(2026, 0, 15),
    periodMs: 1000,
    close: 0,
    notes: [],
  };
  const word = (status: object = {}, source: object = {}): DaemonWord =>
    ({
      users: [],
      status: {
        ...{
          version: "1",
          mode: "enforce",
          pid: 10,
          uptimeMs: 5000,
          timeZone: "UTC",
          saveTrouble: "",
          jobs: [],
        },
        sources: [{ ...SOURCE, ...source }],
        ...status,
      },
    }) as unknown as DaemonWord;
  const withDaemon = (daemon: DaemonWord, tree: Tree = {}) => caseOf(scratchHost(tree).host, {}, { daemon });

  test("is a problem while it does not run, and not looked at by who may not ask it", () => {
    expect(said(lookAtDaemon(on({})))).toEqual([
      expect.stringMatching(/^problem: no daemon answers at \/run\/sluice\/control.sock/),
    ]);
    const { host } = scratchHost({ "/run/sluice/control.sock": "" }, 1000);
    expect(said(lookAtDaemon(caseOf(host)))).toEqual([
      expect.stringMatching(/^warning: daemon: could not look: only root/),
    ]);
    expect(said(lookAtDaemon(withDaemon(word({ mode: "observe" }))))[1]).toMatch(/^warning: Sluice observes/);
  });

  test.each([
    ["all well", {}, {}, []],
    ["a disk that takes nothing", { saveTrouble: "ENOSPC" }, {}, ["problem: disk: ENOSPC"]],
    [
      "a source that does not answer",
      {},
      { answering: false, trouble: "refused" },
      ["problem: xray: refused"],
    ],
    [
      "a look long ago",
      {},
      { lastLookMs: Date.UTC(2026, 0, 14) },
      ["problem: xray: the last look was 86400 s ago, one is due every 1000 ms"],
    ],
    ["a note", {}, { notes: ["something odd"] }, ["warning: xray: something odd"]],
  ])("lookAtSources() with %s", (_, status, source, want) => {
    const bad = lookAtSources(withDaemon(word(status, source))).filter(({ level }) => level !== "ok");
    expect(said(bad)).toEqual(want);
  });

  test.each([
    ["no unit", {}, [], "warning: the daemon does not run as a systemd unit"],
    [
      "a login's unit",
      processTree(10, ["node"], { unit: "ssh.service" }),
      [],
      "warning: the daemon does not run as",
    ],
    [
      "a unit",
      processTree(10, ["node"], { unit: "bw-limit-check.service" }),
      [],
      "warning: bw-limit-check.service does not watch",
    ],
    [
      "a unit that watches",
      processTree(10, ["node"], { unit: "bw-limit-check.service" }),
      [{ name: "watchdog" }],
      "ok: bw-limit-check.service restarts",
    ],
  ])("lookAtWatchdog() with %s", (_, tree, jobs, want) => {
    expect(said(lookAtWatchdog(withDaemon(word({ jobs }), tree as Tree)))[0]?.slice(0, want.length)).toBe(
      want,
    );
  });

  const ENFORCE = ["/usr/bin/node", "/opt/sluice/dist/cli.js", "enforce"];
  test.each([
    ["itself alone", processTree(10, ENFORCE), "ok: it is the only one"],
    [
      "another command of ours",
      processTree(11, ["/usr/bin/node", "/opt/sluice/dist/cli.js", "status"]),
      "ok: ",
    ],
    [
      "a second one that waits",
      processTree(11, ENFORCE),
      "problem: another enforcer with the same settings runs (pid 11)",
    ],
    [
      "one with other settings",
      processTree(11, [...ENFORCE, "--config", "/root/b.json"]),
      "warning: another enforcer runs with settings of its own (pid 11",
    ],
  ])("lookForOthers() finds %s", (_, tree, want) => {
    expect(said(lookForOthers(withDaemon(word(), tree)))[0]?.slice(0, want.length)).toBe(want);
  });

  test("lookForOthers() names who holds the state's lock, by the kernel's list", () => {
    const { host, root } = scratchHost({
      "/etc/myvpn/usage/.lock": "",
      ...processTree(5, ["/usr/bin/node", "/opt/other.js"]),
      ...processTree(99, ["/usr/bin/node", "/opt/sluice/dist/cli.js", "gates", "load"]),
    });
    const { ino } = lstatSync(`${root}/etc/myvpn/usage/.lock`);
    const locks = `1: POSIX  ADVISORY  WRITE 5 08:01:${ino} 0 EOF\n2: FLOCK  ADVISORY  WRITE 99 08:01:${ino} 0 EOF\n`;
    writeFileSync(`${root}/proc/locks`, locks);
    expect(said(lookForOthers(caseOf(host)))).toEqual([
      "problem: pid 99 holds the state in /etc/myvpn and is not the daemon that answers",
    ]);
  });
});

describe("the capture", () => {
  test("is told of when it does not run, and not at all when it is switched off", async () => {
    expect(said(await lookAtCapture(on({})))).toEqual(["warning: the host capture does not run"]);
    expect(said(await lookAtCapture(on({}, { hosts: null })))).toEqual([
      "ok: the host capture is switched off in the settings",
    ]);
    expect(said(lookAtTcpdump(on({})))).toEqual([
      "warning: tcpdump is not installed: names are taken from logs alone",
    ]);
    expect(said(lookAtTcpdump(on({ "/bin/tcpdump": stub("") })))).toEqual(["ok: tcpdump is installed"]);
  });

  const LIST = "/var/lib/sluice/hosts/hosts.log";
  test.each([
    ["no list yet", {}, "ok", false],
    ["the link in its place", { [LIST]: "", "/etc/myvpn/hosts.log": { link: LIST } }, "ok", false],
    [
      "a plain file in its place",
      { [LIST]: "", "/etc/myvpn/hosts.log": "a.com|SNI|N/A|x\n" },
      "warning",
      true,
    ],
    ["nothing in its place", { [LIST]: "" }, "warning", true],
    ["a link elsewhere", { [LIST]: "", "/etc/myvpn/hosts.log": { link: "/etc/passwd" } }, "warning", true],
  ])("lookAtHostsLink() with %s", (_, tree, level, fixes) => {
    const [finding] = lookAtHostsLink(on(tree as Tree));
    expect([finding?.level, finding?.fix !== undefined]).toEqual([level, fixes]);
  });
});
