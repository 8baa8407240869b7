import { describe, expect, test } from "vitest";
import { PcapStream } from "../../../src/hosts/packets/pcap-stream.ts";
import { CAPTURES, capture, packetsOf } from "./captures.ts";

describe("PcapStream.push()", () => {
  test.for(CAPTURES.map((name) => ({ name })))("reads $name whole, and at every cut the same", ({ name }) => {
    const bytes = capture(name);
    const whole = packetsOf(bytes);
    expect(whole.length).toBeGreaterThan(2);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      expect(packetsOf(bytes.subarray(0, cut), bytes.subarray(cut))).toEqual(whole);
    }
  });

  test.for([1, 2, 3, 7, 15, 16, 17, 24, 25, 100])("reads chunks of %i bytes", (size) => {
    const bytes = capture("cooked-v2");
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    expect(packetsOf(...chunks)).toEqual(packetsOf(bytes));
  });

  test("answers with link type, time, bytes and their length before the cut", () => {
    const [first, , , hello] = packetsOf(capture("nanoseconds"));
    expect(first).toMatchObject({ link: 1, originalLength: 74 });
    expect(first?.bytes.length).toBe(74);
    expect(hello?.bytes.length).toBeLessThanOrEqual(120);
    expect(packetsOf(capture("nflog"))[0]?.link).toBe(239);
  });

  test.for([
    { name: "microseconds, lower byte first", magic: 0xa1b2c3d4, little: true, fraction: 123_999 },
    { name: "microseconds, upper byte first", magic: 0xa1b2c3d4, little: false, fraction: 123_999 },
    { name: "nanoseconds, lower byte first", magic: 0xa1b23c4d, little: true, fraction: 123_999_999 },
    { name: "nanoseconds, upper byte first", magic: 0xa1b23c4d, little: false, fraction: 123_999_999 },
  ])("reads $name", ({ magic, little, fraction }) => {
    const stream = Buffer.concat([
      header({ magic, little }),
      record({ little, seconds: 2 ** 31 + 5, fraction, bytes: Buffer.from("abc"), original: 70_000 }),
    ]);
    expect(packetsOf(stream)).toEqual([
      { link: 1, at: (2 ** 31 + 5) * 1000 + 123, bytes: Buffer.from("abc"), originalLength: 70_000 },
    ]);
  });

  test("takes the link type without the bits above it", () => {
    const stream = Buffer.concat([header({ link: 0x2400_0113 }), record({ bytes: Buffer.from("x") })]);
    expect(packetsOf(stream)[0]?.link).toBe(0x113);
  });

  test("hands on a packet within one chunk where it lies", () => {
    const chunk = capture("ethernet");
    const places: unknown[] = [];
    new PcapStream((_, __, bytes) => places.push(bytes.buffer)).push(chunk);
    expect(places.every((buffer) => buffer === chunk.buffer)).toBe(true);
  });

  test.for([
    { name: "another magic", bytes: Buffer.alloc(24, 7), want: "got 0x07070707" },
    { name: "pcapng", bytes: Buffer.from("0a0d0d0a".padEnd(48, "0"), "hex"), want: "got 0x0a0d0d0a" },
    { name: "another version", bytes: header({ version: 3 }), want: "expected pcap 2, got 3" },
    { name: "a packet above every bound", bytes: withRecord({ kept: 262_145, original: 262_145 }) },
    { name: "a packet above the snap length", bytes: withRecord({ kept: 101, original: 101 }, 100) },
    { name: "more bytes than there were", bytes: withRecord({ kept: 10, original: 9 }) },
    { name: "a fraction of a second and more", bytes: withRecord({ fraction: 1_000_000 }) },
  ])("refuses $name once, and passes over what comes after", ({ bytes, want = "Cannot read a packet" }) => {
    const packets: unknown[] = [];
    const stream = new PcapStream((...packet) => packets.push(packet));
    expect(() => stream.push(bytes)).toThrow(SyntaxError);
    expect(() => packetsOf(bytes.subarray(0, 20), bytes.subarray(20))).toThrow(want);
    stream.push(capture("ethernet"));
    expect(packets).toEqual([]);
  });

  test("takes a packet of the longest there is, in pieces", () => {
    const bytes = Buffer.alloc(262_144, 7);
    const stream = Buffer.concat([header({}), record({ bytes }), record({ bytes: Buffer.from("x") })]);
    const chunks = Array.from({ length: 10 }, (_, index) =>
      stream.subarray(index * 30_000, index * 30_000 + 30_000),
    );
    expect(packetsOf(...chunks).map((packet) => packet.bytes.length)).toEqual([262_144, 1]);
  });

  test("reads an empty packet", () => {
    const stream = Buffer.concat([header({}), record({ bytes: Buffer.alloc(0), original: 60 })]);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      expect(packetsOf(stream.subarray(0, cut), stream.subarray(cut))).toHaveLength(1);
    }
  });
});

interface Header {
  readonly magic?: number;
  readonly little?: boolean;
  readonly version?: number;
  readonly snapLength?: number;
  readonly link?: number;
}

function header({
  magic = 0xa1b2c3d4,
  little = true,
  version = 2,
  snapLength = 0,
  link = 1,
}: Header): Buffer {
  const view = new DataView(new ArrayBuffer(24));
  view.setUint32(0, magic, little);
  view.setUint16(4, version, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, snapLength, little);
  view.setUint32(20, link, little);
  return Buffer.from(view.buffer);
}

interface Record {
  readonly little?: boolean;
  readonly seconds?: number;
  readonly fraction?: number;
  readonly kept?: number;
  readonly original?: number;
  readonly bytes?: Uint8Array;
}

function record({
  little = true,
  seconds = 0,
  fraction = 0,
  bytes = Buffer.alloc(0),
  ...rest
}: Record): Buffer {
  const { kept = bytes.length, original = bytes.length } = rest;
  const view = new DataView(new ArrayBuffer(16));
  [seconds, fraction, kept, original].forEach((value, index) => {
    view.setUint32(4 * index, value, little);
  });
  return Buffer.concat([Buffer.from(view.buffer), bytes]);
}

function withRecord(lengths: Record, snapLength = 0): Buffer {
  return Buffer.concat([header({ snapLength }), record(lengths)]);
}
