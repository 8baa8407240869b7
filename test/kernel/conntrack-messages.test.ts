import { describe, expect, test } from "vitest";
import {
  decodeFlow,
  encodeDelete,
  encodeFlow,
  encodeMarkedDump,
  encodeMarking,
} from "../../src/kernel/conntrack-messages.ts";
import { attributesOf, decodeMessages } from "../../src/kernel/netlink-messages.ts";

// What kernel 6.18 answered to a dump: an IPv6 and an IPv4 connection on loopback, marked 0x51000008.
const DUMP =
  "040100000001020001000000cf3500000a0000004c0001802c000180140003000000000000000000000000000000000114000400000000000000000000000000000000011c00028005000100060000000600020072750000060003000fa000004c0002802c000180140003000000000000000000000000000000000114000400000000000000000000000000000000011c0002800500010006000000060002000fa000000600030072750000080003000000000e080008005100000808000c0038a6b15708000b0000000001080007000006977f300004802c0001800500010003000000050002000a000000050003000a00000006000400230000000600050023000000d40000000001020001000000cf350000020000003400018014000180080001007f000001080002007f0000011c00028005000100060000000600020072740000060003000fa000003400028014000180080001007f000001080002007f0000011c0002800500010006000000060002000fa000000600030072740000080003000000000e080008005100000808000c00cfa2137508000b0000000001080007000006977f300004802c0001800500010003000000050002000a000000050003000a00000006000400230000000600050023000000";

const [IPV6, IPV4] = decodeMessages(Buffer.from(DUMP, "hex")).map(({ payload }) => payload);
const IPV4_TUPLE =
  "14000180080001007f000001080002007f0000011c00028005000100060000000600020072740000060003000fa00000";
const ENDS = {
  IPv4: [
    { address: "127.0.0.1", port: 29_300 },
    { address: "127.0.0.1", port: 4000 },
  ],
  IPv6: [
    { address: "::1", port: 29_301 },
    { address: "::1", port: 4000 },
  ],
} as const;

describe("decodeFlow()", () => {
  test("reads mark, family, id and tuple", () => {
    expect(decodeFlow(payload(IPV4))).toEqual({
      mark: 0x51000008,
      family: 2,
      tuple: Buffer.from(IPV4_TUPLE, "hex"),
      id: Buffer.from("cfa21375", "hex"),
      zone: undefined,
    });
    expect(decodeFlow(payload(IPV6))).toMatchObject({ mark: 0x51000008, family: 10 });
  });

  test("reads a mark that is left out as 0, one beyond 2^31, and a zone", () => {
    const unmarked = Buffer.from(payload(IPV4));
    unmarked.writeUInt16LE(100, unmarked.indexOf("0800080051000008", 0, "hex") + 2);
    expect(decodeFlow(unmarked).mark).toBe(0);
    const high = Buffer.from(payload(IPV4));
    high.writeUInt32BE(0xfffffff8, high.indexOf("51000008", 0, "hex"));
    expect(decodeFlow(high).mark).toBe(0xfffffff8);
    const zone = Buffer.from("0600120000050000", "hex");
    expect(decodeFlow(Buffer.concat([payload(IPV4), zone])).zone).toEqual(Buffer.from("0005", "hex"));
  });

  test("refuses a message cut off at any byte before its id's end", () => {
    const message = payload(IPV4);
    const end = message.indexOf("08000c00", 0, "hex") + 8;
    for (let length = 0; length < end; length += 1) {
      expect(() => decodeFlow(message.subarray(0, length))).toThrow(SyntaxError);
    }
    expect(decodeFlow(message.subarray(0, end)).mark).toBe(0x51000008);
  });

  test("refuses an entry with an empty tuple", () => {
    const empty = Buffer.from("0200000004000180" + "08000c00cfa21375", "hex");
    expect(() => decodeFlow(empty)).toThrow(SyntaxError);
  });
});

describe("encodeFlow()", () => {
  test.for([
    { name: "IPv4", source: ENDS.IPv4[0], target: ENDS.IPv4[1], message: IPV4 },
    { name: "IPv6", source: ENDS.IPv6[0], target: ENDS.IPv6[1], message: IPV6 },
  ])("names $name as the kernel does", ({ source, target, message }) => {
    const { family, tuple } = decodeFlow(payload(message));
    const request = encodeFlow(source, target);
    expect(request.subarray(0, 4)).toEqual(Buffer.of(family, 0, 0, 0));
    expect(attributesOf(request.subarray(4))).toEqual(new Map([[1, tuple]]));
  });

  test("names a mapped address as IPv4", () => {
    const [source, target] = ENDS.IPv4;
    expect(encodeFlow({ ...source, address: "::ffff:127.0.0.1" }, target)).toEqual(
      encodeFlow(source, target),
    );
  });
});

describe("encodeMarking()", () => {
  test("adds the mark, all of it, in network order", () => {
    const request = encodeMarking(...ENDS.IPv4, 0xf1000008);
    expect(request.subarray(-8).toString("hex")).toBe("08000800f1000008");
  });
});

describe("encodeMarkedDump()", () => {
  test("asks both families for the mark's bits below the mask", () => {
    expect(encodeMarkedDump(0x5100000f, 0xfffffff8).toString("hex")).toBe(
      "00000000" + "0800080051000008" + "08001500fffffff8",
    );
  });
});

describe("encodeDelete()", () => {
  const flow = decodeFlow(payload(IPV4));

  test("names the one entry by tuple and id", () => {
    expect(encodeDelete(flow).toString("hex")).toBe(`0200000034000180${IPV4_TUPLE}08000c00cfa21375`);
  });

  test("says the zone again", () => {
    const request = encodeDelete({ ...flow, zone: Buffer.of(0, 5) });
    expect(attributesOf(request.subarray(4)).get(18)).toEqual(Buffer.of(0, 5));
  });

  test("cannot be made to name them all", () => {
    expect(() => encodeDelete({ ...flow, tuple: Buffer.alloc(0) })).toThrow(RangeError);
  });
});

function payload(message: Buffer | undefined): Buffer {
  if (!message) throw new Error("Cannot test: the fixture holds no message");
  return message;
}
