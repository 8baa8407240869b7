import { describe, expect, test } from "vitest";
import {
  AF_INET,
  AF_INET6,
  ALL_UDP,
  ANY_COOKIE,
  CARRYING_TCP,
  CARRYING_TCP_WITH_FIGURES,
  decodeSocket,
  decodeUdp,
  encodeExact,
  encodeList,
  encodeMarked,
  encodeSame,
  LIVE_TCP,
  localPortOf,
  NO_DEVICE,
  uidOf,
} from "../../src/kernel/inet-diag.ts";
import { decodeMessages } from "../../src/kernel/netlink-messages.ts";

// What kernel 6.18 answered for connections on loopback; the requests were packed by hand from linux/inet_diag.h.
const IPV4 =
  "7c00000014000000070000005c19000002010000727472757f0000010000000000000000000000007f000002000000000000000000000000000000000700000000000000000000000000000000000000000000009f340000050008000000000008000f00000000000c00150001000000000000000600160052000000";
const MAPPED =
  "7c00000014000000070000005c1900000a010000727e727f00000000000000000000ffff7f00000100000000000000000000ffff7f00000100000000080000000000000000000000000000000000000000000000a2340000050008000000000008000f00000000000c00150001000000000000000600160012000000";
const IPV6 =
  "7c00000014000000070000005c1900000a010000727e7280000000000000000000000000000000010000000000000000000000000000000100000000090000000000000000000000000000000000000000000000a4340000050008000000000008000f00000000000c00150001000000000000000600160012000000";
const LISTENER =
  "7c00000014000000070000005c190000020a0000727400007f00000100000000000000000000000000000000000000000000000000000000000000000a00000000000000000000000000000080000000000000009d340000050008000000000008000f00000000000c00150001000000000000000600160052000000";

describe("decodeSocket()", () => {
  test.for([
    {
      name: "IPv4",
      hex: IPV4,
      address: "127.0.0.1",
      port: 29_300,
      remote: "127.0.0.2",
      cookie: 7n,
      inode: 13_471,
    },
    {
      name: "mapped IPv4",
      hex: MAPPED,
      address: "127.0.0.1",
      port: 29_310,
      remote: "127.0.0.1",
      cookie: 8n,
      inode: 13_474,
    },
    { name: "IPv6", hex: IPV6, address: "::1", port: 29_310, remote: "::1", cookie: 9n, inode: 13_476 },
  ])("reads $name", ({ hex, address, port, remote, cookie, inode }) => {
    expect(decodeSocket(payloadOf(hex))).toMatchObject({
      local: { address, port },
      remote: { address: remote },
      cookie,
      inode,
      uid: 0,
      device: NO_DEVICE,
    });
    expect(localPortOf(payloadOf(hex))).toBe(port);
  });

  test("reads a cookie beyond 2^53, a uid and a device", () => {
    const message = payloadOf(IPV4);
    message.writeUInt32LE(3, 40);
    message.writeBigUInt64LE(0xffff_ffff_ffff_fffen, 44);
    message.writeUInt32LE(65_534, 64);
    expect(decodeSocket(message)).toMatchObject({ cookie: 0xffff_ffff_ffff_fffen, uid: 65_534, device: 3 });
    expect(uidOf(message)).toBe(65_534);
  });

  test("does not take a listener for a connection", () => {
    expect(decodeSocket(payloadOf(LISTENER))).toBeUndefined();
  });

  test.for([
    { state: 1, what: "ESTABLISHED", carries: true },
    { state: 2, what: "SYN_SENT", carries: false },
    { state: 3, what: "SYN_RECV", carries: true },
    { state: 4, what: "FIN_WAIT1", carries: true },
    { state: 5, what: "FIN_WAIT2", carries: true },
    { state: 6, what: "TIME_WAIT", carries: false },
    { state: 7, what: "CLOSE", carries: false },
    { state: 8, what: "CLOSE_WAIT", carries: true },
    { state: 9, what: "LAST_ACK", carries: true },
    { state: 10, what: "LISTEN", carries: false },
    { state: 11, what: "CLOSING", carries: true },
    { state: 12, what: "NEW_SYN_RECV", carries: false },
  ])("counts $what as carrying data: $carries", ({ state, carries }) => {
    const message = payloadOf(IPV4);
    message.writeUInt8(state, 1);
    expect(decodeSocket(message) !== undefined).toBe(carries);
    expect((encodeList(AF_INET, 0).readUInt32LE(4) & (1 << state)) !== 0).toBe(carries);
  });

  test("leaves out FIN_WAIT2 that no process holds, and keeps FIN_WAIT1, which may still be sending", () => {
    const message = payloadOf(IPV4);
    message.writeUInt32LE(0, 68);
    message.writeUInt8(5, 1);
    expect(decodeSocket(message)).toBeUndefined();
    message.writeUInt8(4, 1);
    expect(decodeSocket(message)).toMatchObject({ inode: 0 });
  });

  test("refuses a message cut off at any byte of its fixed part", () => {
    const message = payloadOf(IPV4);
    for (let length = 0; length < 72; length += 1) {
      expect(() => decodeSocket(message.subarray(0, length))).toThrow(SyntaxError);
      expect(() => localPortOf(message.subarray(0, length))).toThrow(SyntaxError);
      expect(() => uidOf(message.subarray(0, length))).toThrow(SyntaxError);
    }
    expect(decodeSocket(message.subarray(0, 72))).toBeDefined();
  });

  test("refuses a family it does not know", () => {
    const message = payloadOf(IPV4);
    message.writeUInt8(16, 0);
    expect(() => decodeSocket(message)).toThrow(SyntaxError);
  });
});

describe("encodeExact()", () => {
  test.for([
    {
      name: "IPv4",
      local: { address: "127.0.0.1", port: 29_300 },
      remote: { address: "127.0.0.2", port: 29_301 },
      hex: "0206000000000000727472757f0000010000000000000000000000007f00000200000000000000000000000000000000ffffffffffffffff",
    },
    {
      name: "mapped IPv4 as IPv4",
      local: { address: "::ffff:127.0.0.1", port: 29_310 },
      remote: { address: "127.0.0.1", port: 29_311 },
      hex: "0206000000000000727e727f7f0000010000000000000000000000007f00000100000000000000000000000000000000ffffffffffffffff",
    },
    {
      name: "IPv6",
      local: { address: "::1", port: 29_310 },
      remote: { address: "::1", port: 29_312 },
      hex: "0a06000000000000727e7280000000000000000000000000000000010000000000000000000000000000000100000000ffffffffffffffff",
    },
  ])("names $name", ({ local, remote, hex }) => {
    expect(encodeExact(local, remote, NO_DEVICE, ANY_COOKIE).toString("hex")).toBe(hex);
  });

  test("carries device and cookie", () => {
    const end = { address: "127.0.0.1", port: 1 };
    const tail = encodeExact(end, end, 3, 0x0102_0304_0506_0708n).subarray(44).toString("hex");
    expect(tail).toBe("030000000807060504030201");
  });
});

describe("encodeList()", () => {
  test("asks for one port of one family", () => {
    const request = encodeList(AF_INET6, 443);
    expect(request.length).toBe(56);
    expect([request.readUInt8(0), request.readUInt8(1), request.readUInt16BE(8)]).toEqual([10, 6, 443]);
  });
});

describe("encodeMarked()", () => {
  test("asks for all that carry data and have the mark's bits below the mask", () => {
    const request = encodeMarked(AF_INET, 0xf100000f, 0xfffffff8, CARRYING_TCP);
    expect(request.subarray(0, 56)).toEqual(encodeList(AF_INET, 0));
    // linux/inet_diag.h: attribute 1, then { code 10, yes 12, no 16 }, mark, mask.
    expect(request.subarray(56).toString("hex")).toBe("10000100" + "0a0c1000" + "080000f1" + "f8ffffff");
  });
});

describe("encodeMarked() of others", () => {
  test.for([
    { name: "with their progress", selection: CARRYING_TCP_WITH_FIGURES, head: "0a060200" },
    { name: "with those that dial", selection: LIVE_TCP, head: "0a060000" },
    { name: "of UDP", selection: ALL_UDP, head: "0a110000" },
  ])("asks for sockets $name", ({ selection, head }) => {
    const request = encodeMarked(AF_INET6, 1, 1, selection);
    expect(request.subarray(0, 4).toString("hex")).toBe(head);
    expect(request.readUInt32LE(4)).toBe(selection.states);
  });

  test("asks for dialling TCP sockets and no listener, and for UDP sockets connected or not", () => {
    const [SYN_SENT, CLOSED, LISTEN] = [1 << 2, 1 << 7, 1 << 10];
    expect(LIVE_TCP.states).toBe(CARRYING_TCP.states | SYN_SENT);
    expect(LIVE_TCP.states & (LISTEN | CLOSED)).toBe(0);
    expect(ALL_UDP.states).toBe((1 << 1) | CLOSED);
  });
});

describe("encodeSame()", () => {
  test("names the socket a message showed by the message's own bytes", () => {
    const message = payloadOf(IPV6);
    const request = encodeSame(message, ALL_UDP);
    expect(request.subarray(0, 8).toString("hex")).toBe("0a11000000000000");
    expect(request.subarray(8)).toEqual(message.subarray(4, 52));
  });
});

describe("decodeUdp()", () => {
  test("has no other end where the socket is not connected", () => {
    const message = payloadOf(IPV4);
    message.writeUInt32LE(832, 56);
    expect(decodeUdp(message)).toMatchObject({ remote: { address: "127.0.0.2" }, unread: 832 });
    message.writeUInt16BE(0, 6);
    expect(decodeUdp(message).remote).toBeUndefined();
    expect(() => decodeUdp(message.subarray(0, 71))).toThrow(SyntaxError);
  });
});

function payloadOf(hex: string): Buffer {
  const [message] = decodeMessages(Buffer.from(hex, "hex"));
  if (!message) throw new Error("Cannot test: the fixture holds no message");
  return message.payload;
}
