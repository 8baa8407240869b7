/** Who is connected is told by the kernel, and by lines with strangers' text around: nothing of it may stop a look. */
import { isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { parseBpftraceLine } from "../../src/history/connections/bpftrace-line.ts";
import { parseFirewallLine } from "../../src/history/connections/firewall-line.ts";
import type { ToldConnection } from "../../src/history/connections/told-connections.ts";
import { decodeUdpFlows } from "../../src/kernel/udp-flow-lines.ts";
import { decodeUdpFlow } from "../../src/kernel/udp-flow-messages.ts";
import { allowing, FEW, fuzz, INPUTS, TIMEOUT } from "./inputs.ts";

const FIREWALL = [
  "sluice-new: IN=eth0 OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=203.0.113.5 DST=198.51.100.2 LEN=60 PROTO=TCP SPT=40958 DPT=443 SYN URGP=0",
  "Nov 22 01:02:03 vpn kernel: [84841.867535] sluiceIN=eth0 OUT= SRC=2001:db8::1 DST=2001:db8::2 LEN=30 PROTO=UDP SPT=49870 DPT=1194 LEN=10",
];
const BPFTRACE = ["443 ::ffff:198.51.100.2 51234 ::ffff:203.0.113.5", "Attaching 1 probe..."];
const ENTRY =
  "020000003400018014000180080001007f000009080002007f0000011c0002800500010011000000060002001770000006000300138800003400028014000180080001007f000001080002007f0000091c000280050001001100000006000200138800000600030017700000080003000000000a080008000000000008000c009cb788de08000b0000000001080007000000001d";
const PRINTED = [
  "udp      17 29 src=127.0.0.9 dst=127.0.0.1 sport=6000 dport=5000 src=127.0.0.1 dst=127.0.0.9 sport=5000 dport=6000 [ASSURED] mark=0 use=1\n",
];

describe.for([
  {
    name: "parseFirewallLine()",
    lines: FIREWALL,
    count: INPUTS,
    parse: (line: string) => parseFirewallLine(line, "sluice"),
  },
  { name: "parseBpftraceLine()", lines: BPFTRACE, count: FEW, parse: parseBpftraceLine },
])("$name", ({ lines, count, parse }) => {
  test("never throws, and tells of addresses and ports alone", { timeout: TIMEOUT }, () => {
    let told = 0;
    fuzz(
      lines,
      (input) => {
        const found = parse(input.toString("utf8"));
        if (!found) return;
        told += 1;
        if (!isSound(found)) throw new Error(`took ${JSON.stringify(found)}`);
      },
      count,
    );
    expect(told).toBeGreaterThan(0);
  });
});

describe("UDP flows", () => {
  test("decodeUdpFlow() throws nothing but SyntaxError", { timeout: TIMEOUT }, () => {
    let flows = 0;
    fuzz(
      [Buffer.from(ENTRY, "hex")],
      (input) => {
        allowing([SyntaxError], () => {
          if (decodeUdpFlow(input, 0, input.length, () => true)) flows += 1;
        });
      },
      FEW,
    );
    expect(flows).toBeGreaterThan(0);
  });

  test("decodeUdpFlows() never throws", { timeout: TIMEOUT }, () => {
    let flows = 0;
    fuzz(
      PRINTED,
      (input) => {
        flows += decodeUdpFlows(input.toString("utf8")).length;
      },
      FEW,
    );
    expect(flows).toBeGreaterThan(0);
  });
});

function isSound({ localAddress, remoteAddress, localPort, remotePort }: ToldConnection): boolean {
  const ports = [localPort, remotePort].every(
    (port) => Number.isInteger(port) && port >= 0 && port <= 65_535,
  );
  return ports && isIP(localAddress) !== 0 && isIP(remoteAddress) !== 0;
}
