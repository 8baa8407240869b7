import { describe, expect, test } from "vitest";
import { lookForReaders } from "../../../../src/faces/doctor/checks/engine-readers.ts";
import { legacyFilesCheck } from "../../../../src/faces/doctor/checks/legacy-files.ts";
import {
  lookForOldCrons,
  lookForOldLoops,
  lookForOldServices,
} from "../../../../src/faces/doctor/checks/old-scripts.ts";
import { lookAtUnits } from "../../../../src/faces/doctor/checks/units.ts";
import type { Finding } from "../../../../src/faces/doctor/finding.ts";
import { caseOf, processTree, scratchHost, type Tree } from "../../../support/scratch-host.ts";

function said(findings: readonly Finding[]): string[] {
  return findings.map(({ level, text }) => `${level}: ${text}`);
}

function look(check: (it: ReturnType<typeof caseOf>) => readonly Finding[], tree: Tree): readonly Finding[] {
  return check(caseOf(scratchHost(tree).host));
}

const UNITS = "/etc/systemd/system";
const WANTS = `${UNITS}/multi-user.target.wants`;
const LOOP =
  "[Service]\nExecStart=/bin/bash -c 'while true; do /usr/bin/cek-bw-limit check; sleep 0.01; done'\n";
const OURS = "[Service]\nExecStart=/usr/bin/node \\\n  /opt/sluice/dist/cli.js enforce\n";

describe("lookForOldCrons()", () => {
  test.each([
    ["no cron at all", {}, ["ok: no cron job of the old scripts is left"]],
    [
      "jobs that are none of them: expiry, backup, a comment, a file with a dot",
      {
        "/etc/cron.d/xp_otm": "# old: * * * * * root capture-host\n2 0 * * * root /usr/bin/xp\n",
        "/etc/cron.d/capture_host.disabled-by-sluice": "* * * * * root /usr/bin/capture-host\n",
        "/etc/crontab": "SHELL=/bin/sh\n0 5 * * * root reboot\n",
      },
      ["ok: no cron job of the old scripts is left"],
    ],
    [
      "the capture's",
      { "/etc/cron.d/capture_host": "* * * * * root /usr/bin/capture-host\n" },
      ["warning: an old cron job still runs: /usr/bin/capture-host (/etc/cron.d/capture_host)"],
    ],
    [
      "one among others of root's own table",
      { "/var/spool/cron/crontabs/root": "0 6 * * * backup\n@reboot /usr/bin/quota-vmess &\n" },
      ["warning: an old cron job still runs: /usr/bin/quota-vmess & (/var/spool/cron/crontabs/root)"],
    ],
  ])("tells of %s", (_, tree, want) => expect(said(look(lookForOldCrons, tree as Tree))).toEqual(want));

  test("offers to put a file aside only when nothing else is in it", () => {
    const job = "* * * * * root /usr/bin/capture-host\n";
    const [whole] = look(lookForOldCrons, { "/etc/cron.d/capture_host": job });
    expect(whole?.fix).toEqual({
      kind: "move",
      from: "/etc/cron.d/capture_host",
      to: "/etc/cron.d/capture_host.disabled-by-sluice",
    });
    const [mixed] = look(lookForOldCrons, { "/etc/cron.d/vpn": `0 0 * * * root /usr/bin/xp\n${job}` });
    expect(mixed).toMatchObject({ advice: "take that line out of /etc/cron.d/vpn" });
    expect(mixed?.fix).toBeUndefined();
  });
});

describe("lookForOldServices()", () => {
  test.each([
    ["none", {}, "ok: no service of the old scripts is left"],
    [
      "Sluice under the old name",
      { [`${UNITS}/bw-limit-check.service`]: OURS, [`${WANTS}/bw-limit-check.service`]: { link: "../x" } },
      "ok: no service",
    ],
    [
      "an old unit that neither runs nor starts",
      { [`${UNITS}/capture-host.service`]: "[Service]\nExecStart=/usr/bin/capture-host-daemon\n" },
      "ok: no service",
    ],
    [
      "the shell loop under the name Sluice has",
      { [`${UNITS}/bw-limit-check.service`]: LOOP, [`${WANTS}/bw-limit-check.service`]: { link: "../x" } },
      "problem: bw-limit-check.service of the old scripts starts at boot",
    ],
    [
      "the second capture unit, running and enabled",
      {
        "/lib/systemd/system/capture-host.service": "[Service]\nExecStart=/usr/bin/capture-host-daemon\n",
        [`${WANTS}/capture-host.service`]: { link: "/lib/systemd/system/capture-host.service" },
        ...processTree(50, ["/bin/bash", "/usr/bin/capture-host-daemon"], { unit: "capture-host.service" }),
      },
      "problem: capture-host.service of the old scripts runs and starts at boot (/lib/systemd/system/capture-host.service)",
    ],
    [
      "a quota loop of another script family",
      {
        [`${UNITS}/quota-vmess.service`]: "[Service]\nExecStart=/usr/bin/quota-vmess\n",
        [`${WANTS}/quota-vmess.service`]: { link: "../quota-vmess.service" },
      },
      "problem: quota-vmess.service",
    ],
  ])("tells of %s", (_, tree, want) => {
    const [finding, ...others] = said(look(lookForOldServices, tree as Tree));
    expect([finding?.slice(0, want.length), others]).toEqual([want, []]);
  });
});

test.each([
  ["a loop in a screen", ["/bin/bash", "/root/cek-bw-limit.sh", "check"], 1],
  ["a loop given to a shell", ["bash", "-c", "while :; do cek-bw-limit check; sleep 2; done"], 1],
  ["an editor with the file open", ["/usr/bin/vim", "/usr/bin/capture-host"], 0],
  ["a shell with a menu", ["bash", "/usr/bin/cek-bw-limit", "menu"], 0],
])("lookForOldLoops() judges %s", (_, argv, count) => {
  const found = look(lookForOldLoops, processTree(77, argv)).filter(({ level }) => level === "problem");
  expect(found).toHaveLength(count);
});

describe("lookForReaders()", () => {
  const script =
    '#!/bin/bash\nxray api stats --server=127.0.0.1:10085 -name "user>>>$u>>>traffic>>>downlink" -reset\n';
  const only = (tree: Tree) => said(look(lookForReaders, tree));

  test.each([
    ["nobody", {}, "ok: nobody else is seen to reset the engines' counters"],
    [
      "a script that only reads",
      { "/etc/cron.d/s": "* * * * * root /usr/bin/s\n", "/usr/bin/s": script.replace(" -reset", "") },
      "ok: ",
    ],
    ["a script that nobody runs", { "/usr/bin/quota": script }, "ok: "],
    [
      "a cron's script",
      { "/etc/cron.d/quota": "* * * * * root quota all\n", "/usr/local/bin/quota": script },
      "problem: /etc/cron.d/quota resets the engine's counters (in /usr/local/bin/quota)",
    ],
    [
      "a unit's script",
      {
        [`${UNITS}/q.service`]: "[Service]\nExecStart=/usr/bin/q\n",
        [`${WANTS}/q.service`]: { link: "../q.service" },
        "/usr/bin/q": script,
      },
      "problem: q.service resets the engine's counters (in /usr/bin/q)",
    ],
    [
      "a call that runs now",
      processTree(9, ["xray", "api", "statsquery", "-reset"]),
      "problem: pid 9 resets",
    ],
    [
      "a panel",
      processTree(9, ["/usr/local/x-ui/x-ui"]),
      "warning: x-ui (pid 9) reads the engine's counters",
    ],
    [
      "what the daemon saw today",
      {
        "/var/log/sluice/events.jsonl":
          '{"time":"2026-01-14T12:00:00.000Z","kind":"counter-reset","user":"joe"}\n',
      },
      "problem: another program reset counters 1 times within a day, last at 2026-01-14T12:00:00.000Z",
    ],
    [
      "what the daemon saw last week",
      { "/var/log/sluice/events.jsonl": '{"time":"2026-01-08T12:00:00.000Z","kind":"counter-reset"}\n' },
      "ok: ",
    ],
  ])("tells of %s", (_, tree, want) => {
    const [finding, ...others] = only(tree as Tree);
    expect([finding?.slice(0, want.length), others]).toEqual([want, []]);
  });
});

test("lookAtUnits() tells which of Sluice's units do not come up at boot, and how", () => {
  const tree = {
    "/run/systemd/system/x": "",
    [`${UNITS}/bw-limit-check.service`]: OURS,
    [`${WANTS}/bw-limit-check.service`]: { link: "../bw-limit-check.service" },
    [`${UNITS}/sluice-gates.service`]:
      "[Service]\nExecStart=/usr/bin/node /opt/sluice/dist/cli.js gates load\n",
  };
  const findings = lookAtUnits(caseOf(scratchHost(tree).host));
  expect(said(findings)).toEqual([
    "ok: bw-limit-check.service is enabled",
    "warning: sluice-gates.service is not enabled: after the next boot users come in before their gates stand",
    "warning: host-capture.service of Sluice's is not installed: no hosts are captured after the next boot",
  ]);
  expect(findings[1]?.fix).toMatchObject({ kind: "unit", to: "enabled" });
  expect(said(lookAtUnits(caseOf(scratchHost({}).host)))).toEqual([
    "warning: units: could not look: systemd does not run here",
  ]);
});

test("legacyFilesCheck() tells which old files changed after their import", async () => {
  const it = caseOf(scratchHost({}).host);
  const said = async (changed: readonly string[]) => legacyFilesCheck(() => changed).look(it);
  expect(await said([])).toMatchObject([{ level: "ok" }]);
  expect(await said(["/etc/xray/bw-limit.conf"])).toMatchObject([
    {
      level: "warning",
      text: "/etc/xray/bw-limit.conf changed after the import: a script still writes there",
    },
  ]);
});
