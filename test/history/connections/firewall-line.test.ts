/** Packet lines are the kernel's own words (6.18, nf_log_syslog), with addresses and writers exchanged. */
import { describe, expect, test } from "vitest";
import { parseFirewallLine } from "../../../src/history/connections/firewall-line.ts";

const PACKET =
  "IN=eth0 OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=203.0.113.5 DST=198.51.100.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=33859 DF PROTO=TCP SPT=40958 DPT=443 WINDOW=65495 RES=0x00 SYN URGP=0 ";
const PACKET6 =
  "IN=eth0 OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:86:dd SRC=2001:0db8:0000:0000:0000:0000:0000:0001 DST=2001:0db8:0000:0000:0000:0000:0000:0002 LEN=80 TC=0 HOPLIMIT=64 FLOWLBL=1014848 PROTO=TCP SPT=56558 DPT=443 WINDOW=65476 RES=0x00 SYN URGP=0 ";
const DATAGRAM =
  "IN=eth0 OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 SRC=203.0.113.5 DST=198.51.100.2 LEN=30 TOS=0x00 PREC=0x00 TTL=64 ID=14045 DF PROTO=UDP SPT=49870 DPT=1194 LEN=10 ";
const CLIENT = {
  ...{ transport: "tcp", localAddress: "198.51.100.2", localPort: 443 },
  ...{ remoteAddress: "203.0.113.5", remotePort: 40_958 },
};

describe("parseFirewallLine()", () => {
  test.for([
    ["as the journal has it", `sluice-new: ${PACKET}`, CLIENT],
    ["as dmesg has it", `[84841.867535] sluice-new: ${PACKET}`, CLIENT],
    ["in kern.log", `Nov 22 01:02:03 vpn kernel: [84841.867535] sluice-new: ${PACKET}`, CLIENT],
    ["in kern.log with a full time", `2026-11-22T01:02:03.5+00:00 vpn kernel: sluice-new: ${PACKET}`, CLIENT],
    ["from ulogd", `Nov  2 01:02:03 vpn sluice-new: ${PACKET}`, CLIENT],
    [
      "of a datagram, behind a prefix without a space",
      `sluice${DATAGRAM}`,
      { ...CLIENT, transport: "udp", localPort: 1194, remotePort: 49_870 },
    ],
    [
      "of IPv6, in its shortest form",
      `sluice: ${PACKET6}`,
      { ...CLIENT, localAddress: "2001:db8::2", remoteAddress: "2001:db8::1", remotePort: 56_558 },
    ],
  ] as const)("reads a packet %s", ([, line, expected]) => {
    expect(parseFirewallLine(line, "sluice")).toEqual(expected);
  });

  test.for([
    ["another rule's", `ufw: ${PACKET}`],
    ["a stranger's name in a shared log", `Nov 22 01:02:03 vpn sshd[7]: Invalid user sluice ${PACKET}`],
    ["a packet that is passed on", `sluice ${PACKET.replace("OUT=", "OUT=tun0")}`],
    ["a packet that leaves", `sluice ${PACKET.replace("IN=eth0 OUT=", "IN= OUT=eth0")}`],
    ["another protocol", `sluice ${PACKET.replace("PROTO=TCP", "PROTO=ICMP")}`],
    ["a port that is none", `sluice ${PACKET.replace("DPT=443", "DPT=99999")}`],
    ["an address that is none", `sluice ${PACKET.replace("203.0.113.5", "example.com")}`],
    ["nothing", ""],
  ] as const)("passes over %s", ([, line]) => {
    expect(parseFirewallLine(line, "sluice")).toBeUndefined();
  });

  test("reads nothing from any beginning of a line but the whole of its fields", () => {
    const line = `sluice: ${PACKET}`;
    const read = Array.from({ length: line.length }, (_, end) =>
      parseFirewallLine(line.slice(0, end), "sluice"),
    );
    const ends = read.flatMap((found, end) => (found ? [end] : []));
    expect(Math.min(...ends)).toBe(line.indexOf("DPT=") + "DPT=4".length);
  });
});
