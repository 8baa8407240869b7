import { describe, expect, test } from "vitest";
import { addressText } from "../../../src/address-text.ts";
import { parseIpPacket } from "../../../src/hosts/packets/ip-packet.ts";
import { type Capture, segmentsOf, textOf } from "./captures.ts";

describe("parseIpPacket()", () => {
  test.for<{ name: Capture; host: string; from: string; to: string; port: number }>([
    { name: "ethernet", host: "ethernet.example", from: "192.0.2.1", to: "192.0.2.2", port: 80 },
    { name: "ethernet-ipv6", host: "ipv6.example", from: "2001:db8::1", to: "2001:db8::2", port: 443 },
    { name: "vlan", host: "ethernet.example", from: "192.0.2.1", to: "192.0.2.2", port: 80 },
    { name: "vlan-in-vlan", host: "ethernet.example", from: "192.0.2.1", to: "192.0.2.2", port: 80 },
    { name: "raw", host: "raw.example", from: "10.7.0.1", to: "10.7.0.2", port: 80 },
    { name: "cooked-v1", host: "cooked.example", from: "2001:db8::1", to: "2001:db8::2", port: 80 },
    { name: "cooked-v1-vlan", host: "ethernet.example", from: "192.0.2.1", to: "192.0.2.2", port: 80 },
    { name: "cooked-v2", host: "loopback.example", from: "127.0.0.1", to: "127.0.0.1", port: 80 },
    { name: "cooked-v2-vlan", host: "ethernet.example", from: "192.0.2.1", to: "192.0.2.2", port: 80 },
    { name: "nflog", host: "nflog-in.example", from: "192.0.2.1", to: "192.0.2.2", port: 80 },
    { name: "ipv6-options", host: "options.example", from: "2001:db8::1", to: "2001:db8::2", port: 80 },
  ])("reads the segments of $name", ({ name, host, from, to, port }) => {
    const [first, second, third] = segmentsOf(name);
    expect([first?.opens, second?.opens, third?.opens]).toEqual([true, false, false]);
    expect([first?.payload.length, second?.payload.length]).toEqual([0, 0]);
    expect([second?.sequence, third?.sequence]).toEqual([first?.sequence, first?.sequence]);
    expect(third).toMatchObject({ protocol: "tcp", destinationPort: port });
    expect(addressText(third?.source ?? Buffer.of())).toBe(from);
    expect(addressText(third?.destination ?? Buffer.of())).toBe(to);
    expect(textOf(third?.payload ?? Buffer.of())).toContain(host);
  });

  test("numbers the segments of a flow one behind the other", () => {
    const segments = segmentsOf("segments").filter(({ payload }) => payload.length > 0);
    expect(segments).toHaveLength(4);
    segments.forEach(({ sequence, payload }, index) => {
      const next = segments[index + 1];
      if (next) expect(sequence + payload.length).toBe(next.sequence);
    });
  });

  test("keeps what is there of a segment that the snap length cut", () => {
    const hello = segmentsOf("nanoseconds").find(({ payload }) => payload.length > 0);
    expect(hello?.payload.subarray(0, 2)).toEqual(Buffer.from("1603", "hex"));
    expect(hello?.payload.length).toBe(120 - 14 - 20 - 32);
  });

  test("takes the first fragment of a datagram alone", () => {
    const segments = segmentsOf("fragments");
    expect(segments.map(({ protocol, destinationPort }) => [protocol, destinationPort])).toEqual([
      ["udp", 443],
      ["udp", 443],
    ]);
    expect(segments.map(({ source }) => source.length)).toEqual([4, 16]);
    const front = "\xc0\0\0\0\x01".padEnd(1_400, "x");
    expect(segments.map(({ payload }) => textOf(payload.subarray(0, 1_400)))).toEqual([front, front]);
  });

  const tcp = (flags: string) => `1f4000500000000700000009${flags}ffff00000000`;
  const TCP = `${tcp("5018")}4142`;
  const UDP = "1f400035000a00004142";
  const v4 = (rest: string, { total = "002a", id = "00000000", protocol = "06", length = "45" } = {}) =>
    `${length}00${total}${id}40${protocol}0000c0000201c0000202${rest}`;
  const v6 = (rest: string, next = "06", length = rest.length / 2) =>
    `60000000${length.toString(16).padStart(4, "0")}${next}40${"20010db8".padEnd(32, "0")}${"20010db9".padEnd(32, "0")}${rest}`;

  test.for([
    { name: "IPv4", packet: v4(TCP) },
    { name: "IPv4 with options", packet: v4(`01010101${TCP}`, { length: "46", total: "002e" }) },
    { name: "IPv4 of no length: joined to more than 64 KB", packet: v4(TCP, { total: "0000" }) },
    { name: "IPv4 with padding behind", packet: `${v4(TCP)}0000` },
    { name: "IPv4, first fragment", packet: v4(TCP, { id: "00002000" }) },
    { name: "TCP options", packet: v4(`${tcp("6018")}020405b44142`, { total: "002e" }) },
    { name: "UDP", packet: v4(UDP, { protocol: "11", total: "001e" }) },
    { name: "UDP of no length", packet: v4(UDP.replace("000a", "0000"), { protocol: "11", total: "001e" }) },
    { name: "UDP, shorter than its packet", packet: v4(`${UDP}0000`, { protocol: "11", total: "0020" }) },
    { name: "IPv6", packet: v6(TCP) },
    { name: "IPv6 of no length: a jumbogram", packet: v6(TCP, "06", 0) },
    { name: "IPv6 with padding behind", packet: `${v6(TCP)}0000` },
    { name: "hop-by-hop options", packet: v6(`0600${"00".repeat(6)}${TCP}`, "00") },
    { name: "a routing header of 16 bytes", packet: v6(`0601${"00".repeat(14)}${TCP}`, "2b") },
    { name: "destination options", packet: v6(`0600${"00".repeat(6)}${TCP}`, "3c") },
    { name: "a first fragment", packet: v6(`0600000100000001${TCP}`, "2c") },
    { name: "an authentication header", packet: v6(`0604${"00".repeat(22)}${TCP}`, "33") },
    {
      name: "several extensions",
      packet: v6(`3c00${"00".repeat(6)}2c00${"00".repeat(6)}06000001000000ff${TCP}`, "00"),
    },
  ])("reads the payload behind $name", ({ packet }) => {
    const bytes = Buffer.from(packet, "hex");
    expect(parseIpPacket({ bytes, outgoing: true })).toMatchObject({
      sourcePort: 8000,
      payload: Buffer.from("AB"),
      outgoing: true,
    });
    for (let length = 0; length < bytes.length; length += 1) {
      const cut = parseIpPacket({ bytes: bytes.subarray(0, length), outgoing: undefined });
      expect("AB").toContain(textOf(cut?.payload ?? Buffer.of()));
    }
  });

  test.for([
    { name: "nothing", packet: "" },
    { name: "IP of another version", packet: v4(TCP, { length: "55" }) },
    { name: "IPv4 with a header below 20 bytes", packet: v4(TCP, { length: "44" }) },
    { name: "IPv4 shorter than its header", packet: v4(TCP, { total: "0013" }) },
    { name: "IPv4, second fragment", packet: v4(TCP, { id: "00000001" }) },
    { name: "IPv6, second fragment", packet: v6(`0600000800000001${TCP}`, "2c") },
    { name: "ICMP", packet: v4(TCP, { protocol: "01" }) },
    { name: "TCP with a header below 20 bytes", packet: v4(`${tcp("4018")}4142`) },
    { name: "TCP with a header beyond its end", packet: v4(`${tcp("f018")}4142`) },
    { name: "UDP shorter than its header", packet: v4(UDP.replace("000a", "0007"), { protocol: "11" }) },
    { name: "an extension beyond the end", packet: v6("06ff000000000000", "00") },
    { name: "nine extensions", packet: v6(`${"0000000000000000".repeat(8)}0600000000000000${TCP}`, "00") },
  ])("refuses $name", ({ packet }) => {
    expect(parseIpPacket({ bytes: Buffer.from(packet, "hex"), outgoing: undefined })).toBeUndefined();
  });

  test.for([
    { name: "SYN", flags: "5002", opens: true, sequence: 8 },
    { name: "SYN of a client that asks for ECN", flags: "50c2", opens: true, sequence: 8 },
    { name: "SYN and ACK", flags: "5012", opens: false, sequence: 8 },
    { name: "PSH and ACK", flags: "5018", opens: false, sequence: 7 },
  ])("numbers the payload of a $name", ({ flags, opens, sequence }) => {
    const bytes = Buffer.from(v4(`${tcp(flags)}4142`), "hex");
    expect(parseIpPacket({ bytes, outgoing: undefined })).toMatchObject({ opens, sequence });
  });
});
