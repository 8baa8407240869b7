/** What never reaches the list: names made to do harm, this host's own, and what only a local network knows. */
import { describe, expect, test } from "vitest";
import { startWatch } from "../support/capture.ts";
import { CLIENT, FAR, SERVER } from "../support/public-network.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";
import { CAPTURE_NEEDS, openCaptureStage, pitch, requestFor } from "./capture-stage.ts";

const missing = needs(...CAPTURE_NEEDS, "nginx");
const WEB = 'server { listen 80; return 200 "here\\n"; }';
const FRONT = { address: SERVER, port: 80 };

/** With what `hosts status` counts them as. */
const HOSTILE = [
  ["characters", "a|b.example"],
  ["characters", "\u001b]0;owned\u0007\u001b[2J.example"],
  ["characters", "nul\0.example"],
  ["characters", "back\rslash.example"],
  ["characters", "folded\r\n .example"],
  ["characters", "..\\..\\passwd.example"],
  ["characters", "n\u00e4me.example"],
  ["not-a-name", "double..example"],
  ["too-long", `${"a".repeat(64)}.example`],
  ["too-long", `${"a.".repeat(2_000)}example`],
] as const;

const LOCAL = [
  ...["10.1.2.3", "192.168.1.1:8080", "127.0.0.1", "169.254.1.1", "100.64.0.1", "[fd00::1]", "[::1]:80"],
  ...["localhost", "printer", "printer.local"],
];

const OWN = ["own.example", "OWN.example.:80", SERVER];

describe.skipIf(missing)(`a capture of what is not for the list${missing}`, () => {
  test("keeps hostile names out of the file and off the terminal, and counts them", async () => {
    await using stage = await openCaptureStage();
    await stage.serve("server", WEB, [80]);
    const capture = await stage.start();
    await using watch = startWatch(stage.sluice);
    const pieces = HOSTILE.map(([, name]) => requestFor(name));
    await Promise.all(pieces.map((piece) => pitch(stage.client, FRONT, [piece])));
    // Longer than all that is kept of a flow, in a request that never ends.
    await pitch(stage.client, FRONT, [`GET / HTTP/1.1\r\nHost: ${"b".repeat(65_536)}`]);
    await pitch(stage.client, FRONT, [requestFor("xn--mnchen-3ya.example")]);
    await stage.log.line("xn--mnchen-3ya.example");
    await until("the watch shows it", () => watch.text().includes("xn--mnchen-3ya.example"));

    expect((await stage.log.lines()).map(({ host }) => host)).toEqual(["xn--mnchen-3ya.example"]);
    const list = (await stage.sluice.run("hosts", "list")).stdout;
    const status = (await stage.sluice.run("hosts", "status")).stdout;
    expect(list).toContain("münchen.example");
    for (const text of [watch.text(), list, status, capture.stderr()]) {
      expect(text).not.toMatch(CONTROL);
      expect(text).not.toMatch(/owned|passwd|a\|b|aaaa/);
    }
    const { refusals } = await capture.status();
    for (const word of ["characters", "not-a-name", "too-long"] as const) {
      expect(refusals[word], word).toBe(HOSTILE.filter(([why]) => why === word).length);
      expect(status).toContain(`${refusals[word]} ${word}`);
    }
  });

  test("keeps out its own names and addresses, and those of local networks", async () => {
    await using stage = await openCaptureStage({ hosts: { own_domains: ["Own.example"] } });
    await stage.serve("server", WEB, [80]);
    const capture = await stage.start();
    const names = [...OWN, ...LOCAL].map((name) => `Host: ${name}\r\n`);
    await pitch(stage.client, FRONT, [`GET / HTTP/1.1\r\n${names.join("")}\r\n`]);
    await pitch(stage.client, FRONT, [requestFor("last.example")]);
    await stage.log.line("last.example");
    expect((await stage.log.lines()).map(({ host }) => host)).toEqual(["last.example"]);
    expect((await capture.status()).refusals).toMatchObject({ own: OWN.length, local: LOCAL.length });
  });

  test.each([
    ["inbound", [["in.example", "Header-Host", CLIENT]]],
    [
      "outbound",
      [
        ["out.example", "Header-Host", "N/A"],
        [FAR, "IP", "N/A"],
      ],
    ],
  ] as const)("with direction %s lists %j alone", async (direction, expected) => {
    await using stage = await openCaptureStage({ hosts: { direction } });
    await stage.serve("server", WEB, [80]);
    await stage.serve("far", WEB, [80]);
    const capture = await stage.start();
    await pitch(stage.client, FRONT, [requestFor("in.example")]);
    await pitch(stage.server, { address: FAR, port: 80 }, [requestFor("out.example")]);
    await pitch(stage.server, { address: FAR, port: 80 }, ["quit\r\n"]);
    for (const [host] of expected) await stage.log.line(host);
    await until("all packets are judged", async () => (await capture.status()).flows.flows === 0);
    const lines = (await stage.log.lines()).map(({ host, service, source }) => [host, service, source]);
    expect(lines).toEqual(expected);
  });
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
const CONTROL = /[^\n -~\u00a0-\u{10ffff}]/u;
