/** What the doctor says of OpenVPN servers. */
import { expect, test } from "vitest";
import type { Case, DaemonWord } from "../../../../src/faces/doctor/case.ts";
import { GROUPS } from "../../../../src/faces/doctor/checks.ts";
import type { Finding } from "../../../../src/faces/doctor/finding.ts";
import { caseOf, processTree, scratchHost, stub, type Tree } from "../../../support/scratch-host.ts";

const CONFIG = "/etc/openvpn/server/one.conf";
const SOCKET = "/run/openvpn-sluice/one.sock";
const HOOKS = "/opt/sluice/scripts/openvpn";
const GOOD = `server 10.8.0.0 255.255.255.0
management ${SOCKET} unix
script-security 2
client-connect "${HOOKS}/client-connect /run/sluice/denied one allow retry common_name"
client-disconnect "${HOOKS}/client-disconnect /var/lib/sluice/openvpn/one"
verb 2
`;
const ENTRY = { name: "one", management: SOCKET };
const HOST: Tree = {
  [CONFIG]: GOOD,
  "/run/openvpn-sluice": { folder: 0o750 },
  "/var/lib/sluice/openvpn/one": { folder: 0o700 },
  [`${HOOKS}/client-connect`]: { text: "", mode: 0o755 },
  [`${HOOKS}/client-disconnect`]: { text: "", mode: 0o755 },
  "/etc/passwd": `root:x:0:0::/:/bin/sh\nnobody:x:${process.getuid?.()}:65534::/:/bin/false\n`,
};

test("OpenVPN: has nothing to say against a server that was set up", async () => {
  const findings = await examined(HOST);
  expect(findings.filter(({ level }) => level !== "ok")).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual([
    ...["openvpn-config", "openvpn-socket", "openvpn-hooks", "openvpn-spool"],
  ]);
});

test("OpenVPN: says nothing where there is no server, or nothing is wanted of it", async () => {
  expect(await examined({})).toEqual([]);
  expect(await examined({ ...HOST, [CONFIG]: "client\nremote a 1\n" })).toEqual([]);
  expect(await examined(HOST, { openvpn: null })).toEqual([]);
});

test("OpenVPN: tells once who is not root that it takes root", async () => {
  const { host } = scratchHost(HOST, 1000);
  expect(await lookWith(caseOf(host, { openvpn: [ENTRY] }))).toEqual([
    expect.objectContaining({ check: "openvpn-seen", level: "warning" }),
  ]);
});

interface Row {
  readonly check: string;
  readonly level: "warning" | "problem";
  readonly says: string;
  /** Put behind the config, where it counts over what stands before. */
  readonly lines?: string;
  readonly tree?: Tree;
  readonly entry?: object;
}

const OPEN: Tree = { "/run/open/x": "" };

test.each<Row>([
  { check: "openvpn-config", level: "problem", says: "cannot be read: line 7", lines: 'push "x' },
  { check: "openvpn-config", level: "warning", says: 'takes in "more.conf"', lines: "config more.conf" },
  {
    check: "openvpn-config",
    level: "problem",
    says: "nobody is told apart",
    lines: "verify-client-cert none",
  },
  {
    check: "openvpn-config",
    level: "problem",
    says: "no management interface",
    tree: { [CONFIG]: "server-bridge\n" },
  },
  {
    check: "openvpn-config",
    level: "problem",
    says: "the settings look at /run/b",
    entry: { management: "/run/b" },
  },
  {
    check: "openvpn-socket",
    level: "problem",
    says: "so is its folder (755)",
    lines: "management /run/open/a unix",
    tree: OPEN,
  },
  {
    check: "openvpn-socket",
    level: "problem",
    says: "asks for no password",
    lines: "management 127.0.0.1 7505",
  },
  {
    check: "openvpn-socket",
    level: "problem",
    says: "open to the network",
    lines: "management 0.0.0.0 7505",
  },
  {
    check: "openvpn-socket",
    level: "problem",
    says: "pw is not there",
    lines: "management 127.0.0.1 7505 /etc/pw",
  },
  {
    ...{ check: "openvpn-socket", level: "problem", says: "may read the management interface's password" },
    ...{ lines: "management 127.0.0.1 7505 /etc/pw", tree: { "/etc/pw": { text: "x", mode: 0o644 } } },
  },
  {
    check: "openvpn-holders",
    level: "problem",
    says: "turns Sluice away",
    lines: "management-client-group vpn",
  },
  {
    check: "openvpn-hooks",
    level: "warning",
    says: "another program's: /opt/m.py",
    lines: "client-connect /opt/m.py",
  },
  { check: "openvpn-hooks", level: "problem", says: "script-security", lines: "script-security 1" },
  {
    ...{ check: "openvpn-hooks", level: "warning", says: "no client-disconnect hook" },
    tree: { [CONFIG]: `server-bridge\nmanagement ${SOCKET} unix\n` },
  },
  {
    ...{ check: "openvpn-hooks", level: "problem", says: "not executable" },
    tree: { [`${HOOKS}/client-connect`]: { text: "", mode: 0o644 } },
  },
  {
    ...{ check: "openvpn-hooks", level: "problem", says: "others may not run it", lines: "user nobody" },
    tree: { [`${HOOKS}/client-disconnect`]: { text: "", mode: 0o750 } },
  },
  { check: "openvpn-spool", level: "warning", says: "may forge last figures", lines: "user nobody" },
  {
    ...{ check: "openvpn-spool", level: "problem", says: "with mode 755" },
    tree: { "/var/lib/sluice/openvpn/one": { folder: 0o755 } },
  },
  {
    check: "openvpn-unit",
    level: "warning",
    says: "may start before",
    tree: { "/run/systemd/system": { folder: 0o755 } },
  },
  { check: "openvpn-log", level: "warning", says: "verb 4", lines: "verb 4" },
  { check: "openvpn-client-to-client", level: "warning", says: "by their gates", lines: "client-to-client" },
  {
    ...{ check: "openvpn-dco", level: "warning", says: "OpenVPN 2.6.14 lets the kernel" },
    tree: { "/sys/module/ovpn_dco_v2": { folder: 0o755 }, "/bin/openvpn": stub("OpenVPN 2.6.14 x86_64") },
  },
  {
    ...{ check: "openvpn-status", level: "problem", says: "is not there", entry: statusOnly() },
  },
  {
    ...{ check: "openvpn-status", level: "problem", says: "s old", entry: statusOnly() },
    tree: { "/run/s": "" },
  },
])("$check: $says", async ({ check, level, says, lines = "", tree = {}, entry = {} }) => {
  const findings = await examined(
    { ...HOST, [CONFIG]: `${GOOD}${lines}\n`, ...tree },
    { openvpn: [{ ...ENTRY, config: CONFIG, ...entry }] },
    // The scratch host's files are made now.
    { now: (Date.now() + 3_600_000) as Case["now"] },
  );
  expect(findings).toContainEqual(
    expect.objectContaining({ check, level, text: expect.stringContaining(says) as string }),
  );
});

test.each([
  [undefined, "2.6.20", "ok"],
  [undefined, "2.7", "ok"],
  ["disable-dco", "2.6.14", undefined],
  ["dev tap0", "2.6.14", undefined],
])("openvpn-dco: is content with %s and OpenVPN %s", async (line = "", version, level) => {
  const tree = { "/sys/module/ovpn_dco_v2": { folder: 0o755 }, "/bin/openvpn": stub(`OpenVPN ${version} x`) };
  const findings = await examined({ ...HOST, [CONFIG]: `${GOOD}${line}\n`, ...tree });
  expect(findings.find(({ check }) => check === "openvpn-dco")?.level).toBe(level);
});

test("openvpn-holders: names who waits at the socket beside the daemon", async () => {
  const table = [
    `u_str ESTAB 0 0 ${SOCKET} 10 * 11 users:((openvpn,pid=5,fd=9))`,
    `u_str ESTAB 0 0 ${SOCKET} 12 * 13`,
    "u_str ESTAB 0 0 * 11 * 10 users:((node,pid=700,fd=20))",
    "u_str ESTAB 0 0 * 13 * 12 users:((monitor.py,pid=800,fd=3))",
    "u_str ESTAB 0 0 /run/other.sock 14 * 15 users:((x,pid=900,fd=3))",
  ].map((line) => line.replaceAll(/\(\((\S+?),pid/g, '(("$1",pid'));
  const daemon = { status: { pid: 700 }, users: [] } as unknown as DaemonWord;
  const findings = await examined({ ...HOST, "/bin/ss": stub(table.join("\n")) }, undefined, { daemon });
  const [found, ...more] = findings.filter(({ check }) => check === "openvpn-holders");
  expect(more).toEqual([]);
  expect(found?.text).toContain("monitor.py (pid 800) is at");
  expect(found?.advice).toContain("/run/sluice/openvpn-one.sock");
});

test("OpenVPN: finds a server by its process, wherever its config lies", async () => {
  const argv = ["/usr/sbin/openvpn", "--cd", "/srv", "--config", "vpn.conf"];
  const findings = await examined({
    ...processTree(9, argv),
    "/srv/vpn.conf": GOOD,
    "/run/openvpn-sluice": { folder: 0o750 },
  });
  expect(findings.find(({ check }) => check === "openvpn-config")?.text).toContain("/srv/vpn.conf");
});

function statusOnly(): object {
  return { management: null, status_file: "/run/s" };
}

async function examined(tree: Tree, settings: object = { openvpn: [ENTRY] }, more: Partial<Case> = {}) {
  return lookWith(caseOf(scratchHost(tree).host, settings, more));
}

async function lookWith(it: Case): Promise<Finding[]> {
  const checks = GROUPS.find(({ title }) => title === "OpenVPN")?.checks ?? [];
  return (await Promise.all(checks.map(async ({ look }) => look(it)))).flat();
}
