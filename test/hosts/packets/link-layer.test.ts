import { describe, expect, test } from "vitest";
import { networkPacket } from "../../../src/hosts/packets/link-layer.ts";
import { type Capture, capture, packetsOf } from "./captures.ts";

const IPV4 = Buffer.from("45000014000000004006", "hex");

describe("networkPacket()", () => {
  test.for<{ name: Capture; link: number; versions: string; outgoing: (boolean | undefined)[] }>([
    { name: "ethernet", link: 1, versions: "44444", outgoing: [undefined] },
    { name: "ethernet-ipv6", link: 1, versions: "66666", outgoing: [undefined] },
    { name: "vlan", link: 1, versions: "44444", outgoing: [undefined] },
    { name: "vlan-in-vlan", link: 1, versions: "44444", outgoing: [undefined] },
    { name: "raw", link: 101, versions: "44444", outgoing: [undefined] },
    { name: "cooked-v1", link: 113, versions: "66666", outgoing: [false] },
    { name: "nflog", link: 239, versions: "4444444444", outgoing: [false, true] },
    { name: "cooked-v2", link: 276, versions: "44444444444", outgoing: [false, true] },
  ])("finds the IP packets of $name", ({ name, link, versions, outgoing }) => {
    const packets = packetsOf(capture(name));
    const found = packets.map((packet) => networkPacket(packet.link, packet.bytes));
    expect(packets[0]?.link).toBe(link);
    expect(found.map((packet) => (packet?.bytes[0] ?? 0) >> 4).join("")).toBe(versions);
    expect([...new Set(found.map((packet) => packet?.outgoing))]).toEqual(outgoing);
    for (const packet of found) expect(lengthOf(packet?.bytes)).toBe(packet?.bytes.length);
  });

  test.for<{ name: Capture }>([{ name: "cooked-v1-vlan" }, { name: "cooked-v2-vlan" }])(
    "finds tagged packets in $name",
    ({ name }) => {
      const found = packetsOf(capture(name)).map(({ link, bytes }) => networkPacket(link, bytes));
      const tagged = found.filter((packet) => (packet?.bytes[0] ?? 0) >> 4 === 4);
      expect(tagged).toHaveLength(5);
      for (const packet of tagged) expect(lengthOf(packet?.bytes)).toBe(packet?.bytes.length);
    },
  );

  test.for([
    { name: "loopback of BSD", link: 0, before: "02000000" },
    { name: "loopback of OpenBSD", link: 108, before: "00000002" },
    { name: "raw IP of Linux", link: 12, before: "" },
    { name: "raw IP of OpenBSD", link: 14, before: "" },
    { name: "PPPoE", link: 1, before: `${"00".repeat(12)}88641100000100160021` },
    { name: "PPPoE in a VLAN", link: 1, before: `${"00".repeat(12)}8100000788641100000100160021` },
  ])("finds the packet behind the header of $name", ({ link, before }) => {
    const header = Buffer.from(before, "hex");
    expect(networkPacket(link, Buffer.concat([header, IPV4]))).toEqual({ bytes: IPV4, outgoing: undefined });
    for (let length = 0; length <= header.length; length += 1) {
      expect(networkPacket(link, header.subarray(0, length))).toBeUndefined();
    }
  });

  test.for([
    { name: "an unknown link type", link: 105, bytes: "45" },
    { name: "ARP", link: 1, bytes: `${"00".repeat(12)}080600010800` },
    { name: "a third VLAN tag", link: 1, bytes: `${"00".repeat(12)}810000018100000281000003080045` },
    { name: "PPPoE that sets up a session", link: 1, bytes: `${"00".repeat(12)}8864110900010016002145` },
    { name: "PPP that is no IP", link: 1, bytes: `${"00".repeat(12)}8864110000010016c02145` },
    { name: "NFLOG without a packet", link: 239, bytes: "020000050800040000000001" },
    { name: "NFLOG with an attribute of no length", link: 239, bytes: "02000005000004000500090045" },
  ])("refuses $name", ({ link, bytes }) => {
    expect(networkPacket(link, Buffer.from(bytes, "hex"))).toBeUndefined();
  });

  test("takes what is there of a logged packet that is cut off", () => {
    const bytes = Buffer.from("02000005ff00090045000014", "hex");
    expect(networkPacket(239, bytes)?.bytes).toEqual(bytes.subarray(8));
  });

  test("does not say which way a forwarded packet goes", () => {
    const interfaces = "0800040000000001" + "0800050000000002";
    const bytes = Buffer.from(`02000005${interfaces}0500090045`, "hex");
    expect(networkPacket(239, bytes)).toEqual({ bytes: Buffer.from("45", "hex"), outgoing: undefined });
  });
});

/** As the IP header has it. */
function lengthOf(bytes: Uint8Array = new Uint8Array(0)): number {
  const packet = Buffer.from(bytes);
  return (packet[0] ?? 0) >> 4 === 4 ? packet.readUInt16BE(2) : 40 + packet.readUInt16BE(4);
}
