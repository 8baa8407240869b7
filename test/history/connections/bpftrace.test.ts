/** What bpftrace prints for our program; the program bpftrace itself is put in a folder of the test's. */
import { chmod, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { Bpftrace } from "../../../src/history/connections/bpftrace.ts";
import { parseBpftraceLine } from "../../../src/history/connections/bpftrace-line.ts";
import type { ClientConnection } from "../../../src/history/connections/connection-source.ts";
import { until } from "../../support/until.ts";

const PATH = process.env["PATH"];
const PREMISES = {
  served: { tcp: new Map([[443, "xray"]]), udp: new Map<number, string>() },
  anywhere: true,
  isOurs: (address: string) => address === "198.51.100.2",
};

describe("parseBpftraceLine()", () => {
  test("reads the ends of a connection, IPv4 from its IPv6 form", () => {
    expect(parseBpftraceLine("443 ::ffff:198.51.100.2 51234 ::ffff:203.0.113.5")).toEqual({
      ...{ transport: "tcp", localAddress: "198.51.100.2", localPort: 443 },
      ...{ remoteAddress: "203.0.113.5", remotePort: 51_234 },
    });
  });

  test.for(["Attaching 1 probe...", "", "443 x 1 ::1", "443 ::1 51234", "Lost 7 events"])(
    "passes over %j",
    (line) => {
      expect(parseBpftraceLine(line)).toBeUndefined();
    },
  );
});

describe("Bpftrace", () => {
  afterEach(() => {
    process.env["PATH"] = PATH;
  });

  test("tells of clients of served ports at addresses of ours, once", async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-bpftrace-"));
    const lines = [
      "Attaching 1 probe...",
      "443 ::ffff:198.51.100.2 51234 ::ffff:203.0.113.5",
      "443 ::ffff:198.51.100.99 51234 ::ffff:203.0.113.6",
      "80 ::ffff:198.51.100.2 51234 ::ffff:203.0.113.7",
      "443 ::ffff:198.51.100.2 51235 ::1",
    ];
    await program(folder.path, `printf '%s\\n' ${lines.map((line) => `'${line}'`).join(" ")}\nexec sleep 60`);
    using source = new Bpftrace();
    const seen: ClientConnection[] = [];
    await until("a connection is told of", () => {
      source.read(PREMISES, (connection) => seen.push(connection));
      return seen.length > 0;
    });
    source.read(PREMISES, (connection) => seen.push(connection));
    expect(seen).toEqual([
      { service: "xray", transport: "tcp", address: "203.0.113.5", port: 51_234, localPort: 443 },
    ]);
    expect(source.trouble).toBeUndefined();
  });

  test.for([
    {
      name: "is not there",
      script: undefined,
      trouble: /Cannot start bpftrace: .*ENOENT.*the package bpftrace/,
    },
    {
      name: "refuses",
      script: "echo 'ERROR: tracepoint not found' >&2; exit 1",
      trouble: /status 1: ERROR: tracepoint not found.*tracefs/,
    },
  ])("says what it takes where the program $name", async ({ script, trouble }) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-bpftrace-"));
    if (script === undefined) process.env["PATH"] = folder.path;
    else await program(folder.path, script);
    using source = new Bpftrace();
    expect(await until("it says so", () => source.trouble)).toMatch(trouble);
  });
});

async function program(folder: string, script: string): Promise<void> {
  const path = join(folder, "bpftrace");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  process.env["PATH"] = `${folder}:${PATH}`;
}
