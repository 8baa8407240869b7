import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FlowTable, type FlowTableOptions } from "../../../src/hosts/packets/flow-table.ts";
import type { Segment } from "../../../src/hosts/packets/ip-packet.ts";
import { parseQuicHello } from "../../../src/hosts/parsers/quic-hello.ts";
import { sniffStream } from "../../../src/hosts/parsers/stream.ts";
import { type UnixTime, unixTime } from "../../../src/units.ts";
import { CLIENTS, datagramsOf, firstDatagramOf } from "../parsers/quic-fixtures.ts";
import { CAPTURES, type Capture, segmentsOf, textOf } from "./captures.ts";
import { datagram, hello, parseDatagrams, parseStream, segment } from "./stand-in.ts";

const NOW = unixTime(1_000);
const OTHER = Buffer.from([198, 51, 100, 7]);
const V6 = Buffer.from(`20010db8${"0".repeat(23)}1`, "hex");

describe("FlowTable.take()", () => {
  test("answers with the names and the ends of the flow", () => {
    const payload = hello("a.example");
    expect(table().take(segment({ payload, outgoing: true }), NOW)).toEqual({
      names: [{ name: "a.example", service: "SNI" }],
      protocol: "tcp",
      source: new Uint8Array([192, 0, 2, 1]),
      sourcePort: 40_000,
      destination: new Uint8Array([203, 0, 113, 9]),
      destinationPort: 443,
      outgoing: true,
      at: NOW,
    });
    expect(table().take(segment({ protocol: "udp", payload: datagram("b.example") }), NOW)).toMatchObject({
      names: [{ name: "b.example", service: "QUIC" }],
      protocol: "udp",
    });
  });

  test("keeps addresses of its own", () => {
    const source = Buffer.from([192, 0, 2, 1]);
    const sight = table().take(segment({ source, payload: hello("a.example") }), NOW);
    source.fill(0);
    expect(sight?.source).toEqual(new Uint8Array([192, 0, 2, 1]));
  });

  const whole = { payload: hello("a.example") };
  const [head, tail] = [whole.payload.subarray(0, 8), whole.payload.subarray(8)];
  const quic = { protocol: "udp", payload: datagram("a.example") } as const;
  const question = (id: number) => ({
    protocol: "udp" as const,
    destinationPort: 53,
    payload: Buffer.from([id, id, ...Buffer.from("a.example")]),
  });
  test.for<{ name: string; segments: Partial<Segment>[]; want: string[] }>([
    { name: "seen twice", segments: [whole, whole], want: ["a.example"] },
    { name: "seen twice, in halves", segments: halves(head, tail), want: ["a.example"] },
    {
      name: "seen once more after it is whole",
      segments: [...halves(head, tail), ...halves(head, tail)],
      want: ["a.example"],
    },
    {
      name: "seen under another address",
      segments: [whole, { ...whole, source: OTHER }],
      want: ["a.example"],
    },
    {
      name: "seen whole, and under another address in halves",
      segments: [whole, ...halves(head, tail).map((half) => ({ ...half, source: OTHER }))],
      want: ["a.example"],
    },
    {
      name: "at the same place with another name",
      segments: [whole, { payload: hello("b.example"), sourcePort: 1 }],
      want: ["a.example", "b.example"],
    },
    {
      name: "asked for again",
      segments: [whole, { ...whole, sequence: 1_500 }],
      want: ["a.example", "a.example"],
    },
    { name: "of QUIC, seen twice", segments: [quic, quic, { ...quic, source: OTHER }], want: ["a.example"] },
    {
      name: "of QUIC, in another connection",
      segments: [quic, { ...quic, payload: datagram("a.example", { connection: "another" }) }],
      want: ["a.example", "a.example"],
    },
    {
      name: "of QUIC over two datagrams, with another id in the second",
      segments: [
        { ...quic, payload: datagram("a.example", { part: 1, parts: 2 }) },
        { ...quic, payload: datagram("a.example", { part: 2, parts: 2, connection: "the server's" }) },
      ],
      want: ["a.example"],
    },
    {
      name: "of a question",
      segments: [question(1), question(1), question(2)],
      want: ["a.example", "a.example"],
    },
    { name: "over IPv6", segments: [{ ...whole, source: V6, destination: V6 }], want: ["a.example"] },
    {
      name: "of one flow alone",
      segments: [{ payload: head }, { payload: tail, sequence: 1_008, sourcePort: 1 }],
      want: [],
    },
    {
      name: "on the way back",
      segments: [{ protocol: "udp", payload: Buffer.from("c000", "hex") }],
      want: [],
    },
    {
      name: "from nothing",
      segments: [{}, { protocol: "udp" }, { destinationPort: 53, protocol: "udp" }],
      want: [],
    },
  ])("tells a name $name as often as it was asked for", ({ segments, want }) => {
    expect(names(table(), segments)).toEqual(want);
  });

  test("passes over questions unless it has a parser for them", () => {
    const silent = new FlowTable({ stream: parseStream, quic: parseDatagrams, addresses: false });
    expect(names(silent, [question(1)])).toEqual([]);
  });

  test("asks the QUIC parser no more once it has the names", () => {
    let asked = 0;
    const flows = table({
      quic: (datagrams) => {
        asked += 1;
        return parseDatagrams(datagrams);
      },
    });
    names(flows, [quic, quic, { ...quic, payload: datagram("b.example") }]);
    expect(asked).toBe(1);
  });

  test("remembers 8,192 sights, and forgets them", () => {
    const flows = table();
    const sights = Array.from({ length: 20_000 }, (_, index) => ({ ...whole, sequence: 100 * index }));
    expect(names(flows, sights)).toHaveLength(20_000);
    expect(names(flows, sights.slice(-8_192))).toEqual([]);
    expect(names(flows, sights.slice(0, 1))).toEqual(["a.example"]);
  });

  test.for([
    { name: "below 2^31", start: 1_000 },
    { name: "over 2^31", start: 2 ** 31 - 700 },
    { name: "over 2^32", start: 2 ** 32 - 700 },
  ])("gives the name once, however 1,800 bytes $name are cut, mixed and doubled", ({ start }) => {
    // What stands in capitals may be taken for a beginning wherever a cut puts it in front.
    const long = hello("a.example", 1_800, 0x41);
    fc.assert(
      fc.property(segmentations(long.length), (order) => {
        const flow = order.map(({ from, length }) => ({
          sequence: (start + from) >>> 0,
          payload: long.subarray(from, from + length),
        }));
        expect(names(table(), flow)).toEqual(["a.example"]);
      }),
      { numRuns: 3_400 },
    );
  });
});

describe("FlowTable.expire()", () => {
  const opening = { opens: true, sequence: 1_000 };
  const opened = (flows: FlowTable, at: number) =>
    flows.expire(unixTime(at)).map(({ destination, at: since }) => `${destination.join(".")} at ${since}`);

  test("answers with an address that showed no name within three seconds, once", () => {
    const flows = table();
    names(flows, [opening, opening], NOW);
    names(flows, [opening], unixTime(2_000));
    expect(opened(flows, 3_999)).toEqual([]);
    expect(opened(flows, 4_000)).toEqual(["203.0.113.9 at 1000"]);
    expect(opened(flows, 40_000)).toEqual([]);
  });

  test("answers with all that is known of it", () => {
    const flows = table();
    flows.take(segment({ ...opening, outgoing: true, destinationPort: 22 }), NOW);
    expect(flows.expire(unixTime(9_000))).toMatchObject([
      { names: undefined, protocol: "tcp", sourcePort: 40_000, destinationPort: 22, outgoing: true, at: NOW },
    ]);
  });

  test.for<{ name: string; segments: Partial<Segment>[]; addresses?: boolean; want: number }>([
    { name: "a flow that shows a name", segments: [opening, { payload: hello("a") }], want: 0 },
    {
      name: "a flow that shows a name again",
      segments: [{ payload: hello("a") }, opening, { payload: hello("a") }],
      want: 0,
    },
    { name: "a flow that names nobody", segments: [opening, { payload: hello("") }], want: 1 },
    {
      name: "a flow that speaks of something else",
      segments: [opening, { payload: Buffer.from("SSH-2.0") }],
      want: 1,
    },
    { name: "a flow that comes in", segments: [{ ...opening, outgoing: false }], want: 0 },
    { name: "a flow that goes out", segments: [{ ...opening, outgoing: true }], want: 1 },
    { name: "an answer", segments: [{ opens: false }], want: 0 },
    { name: "two flows", segments: [opening, { ...opening, sourcePort: 5 }], want: 2 },
    { name: "a flow, if nobody asks", segments: [opening], addresses: false, want: 0 },
  ])("answers for $name: $want", ({ segments, addresses = true, want }) => {
    const flows = table({ addresses });
    names(flows, segments);
    expect(flows.expire(unixTime(9_000))).toHaveLength(want);
  });

  test("keeps at most 16,384 of them", () => {
    const flows = table();
    for (let flow = 0; flow < 100_000; flow += 1) {
      flows.take(segment({ ...opening, sourcePort: flow & 0xffff, destinationPort: flow >> 16 }), NOW);
    }
    const kept = flows.expire(unixTime(9_000));
    expect(kept.length).toBeLessThanOrEqual(16_384);
    expect(kept.length).toBeGreaterThan(15_000);
    expect(kept.at(-1)).toMatchObject({ sourcePort: 99_999 & 0xffff, destinationPort: 1 });
  });
});

test("FlowTable.counts tell what waits and what was lost", () => {
  const flows = table();
  const begun = hello("a.example").subarray(0, 5);
  names(flows, [{ payload: begun }, { payload: Buffer.from("HELLO#"), sourcePort: 5 }]);
  names(flows, [
    { protocol: "udp", payload: datagram("a", { parts: 2 }) },
    { protocol: "udp", payload: Buffer.of(0xc0) },
  ]);
  expect(flows.counts).toMatchObject({ segments: 4, flows: 2, evicted: 0, expired: 0, mismatches: 2 });
  expect(flows.counts.bytes).toBeGreaterThan(0);
  flows.expire(unixTime(20_000));
  expect(flows.counts).toEqual({ segments: 4, flows: 0, bytes: 0, evicted: 0, expired: 2, mismatches: 2 });
  for (let port = 0; port < 5_000; port += 1) flows.take(segment({ sourcePort: port, payload: begun }), NOW);
  expect(flows.counts.flows).toBeLessThanOrEqual(3_072);
  expect(flows.counts.evicted).toBe(5_000 - flows.counts.flows);
});

describe("FlowTable with the parsers of names", () => {
  const real = { stream: sniffStream, quic: parseQuicHello };

  test.for<{ name: Capture; want: string[] }>([
    { name: "ethernet", want: ["ethernet.example"] },
    { name: "ethernet-ipv6", want: ["ipv6.example"] },
    { name: "vlan", want: ["ethernet.example"] },
    { name: "vlan-in-vlan", want: ["ethernet.example"] },
    { name: "cooked-v1", want: ["cooked.example"] },
    { name: "cooked-v1-vlan", want: ["ethernet.example"] },
    { name: "cooked-v2", want: ["loopback.example", "leaving.example"] },
    { name: "cooked-v2-vlan", want: ["ethernet.example"] },
    { name: "raw", want: ["raw.example"] },
    { name: "nflog", want: ["nflog-in.example", "nflog-out.example"] },
    { name: "nanoseconds", want: [] },
    { name: "ipv6-options", want: ["options.example"] },
    { name: "fragments", want: [] },
    { name: "segments", want: ["segments.example"] },
  ])("finds the names of $name: $want", ({ name, want }) => {
    expect(names(table(real), segmentsOf(name))).toEqual(want);
  });

  test.for(CAPTURES.map((name) => ({ name })))("finds no name twice in $name seen twice", ({ name }) => {
    const once = segmentsOf(name);
    expect(
      names(
        table(real),
        once.flatMap((one) => [one, one]),
      ),
    ).toEqual(names(table(real), once));
    expect(names(table(real), [...once, ...once])).toEqual(names(table(real), once));
  });

  test.for(CLIENTS)("finds the name of $file, each datagram seen twice", ({ file, names: [wanted] }) => {
    const flow = datagramsOf(file).map((payload) => ({ protocol: "udp" as const, payload }));
    expect(
      names(
        table(real),
        flow.flatMap((one) => [one, one]),
      ),
    ).toEqual([wanted.name]);
  });

  test("does not take a QUIC server's answer for a beginning", () => {
    const flows = table(real);
    expect(names(flows, [{ protocol: "udp", payload: firstDatagramOf("rfc9001-server") }])).toEqual([]);
    expect(flows.counts).toMatchObject({ flows: 0, mismatches: 1 });
  });

  test("finds a real hello's name in every cut in two, and in segments of every size", () => {
    const segments = segmentsOf("segments");
    const long = Buffer.concat(segments.map(({ payload }) => payload));
    const part = (from: number, to: number) => ({ sequence: from, payload: long.subarray(from, to) });
    for (let cut = 1; cut < long.length; cut += 1) {
      expect(names(table(real), [part(cut, long.length), part(0, cut)])).toEqual(["segments.example"]);
      const count = Math.ceil(long.length / cut);
      const parts = Array.from({ length: count }, (_, index) => part(index * cut, (index + 1) * cut));
      expect(names(table(real), parts)).toEqual(["segments.example"]);
    }
  });

  test("finds a real hello's name in 10,000 ways to cut, mix and double it", () => {
    const long = Buffer.concat(segmentsOf("segments").map(({ payload }) => payload));
    fc.assert(
      fc.property(segmentations(long.length), fc.nat({ max: 2 ** 32 - 1 }), (order, start) => {
        const flow = order.map(({ from, length }) => ({
          sequence: (start + from) >>> 0,
          payload: long.subarray(from, from + length),
        }));
        expect(names(table(real), flow)).toEqual(["segments.example"]);
      }),
      { numRuns: 10_000 },
    );
  });
});

function table(options: Partial<FlowTableOptions> = {}): FlowTable {
  return new FlowTable({
    stream: parseStream,
    quic: parseDatagrams,
    dns: (question) => {
      const name = textOf(question.subarray(2));
      return name === "" ? { kind: "mismatch" } : { kind: "host", names: [{ name, service: "DNS" }] };
    },
    addresses: true,
    ...options,
  });
}

/** Each seen twice, one behind the other, as on loopback. */
function halves(head: Uint8Array, tail: Uint8Array): Partial<Segment>[] {
  return [head, head]
    .map((payload) => ({ payload }) as Partial<Segment>)
    .concat([tail, tail].map((payload) => ({ payload, sequence: 1_000 + head.length })));
}

/** Pieces of so many bytes in the order of their arrival: each up to eight places late, some twice, some over others. */
function segmentations(length: number): fc.Arbitrary<readonly { from: number; length: number }[]> {
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: length - 1 }), { maxLength: 60 });
  const delays = fc.array(fc.nat({ max: 8 }), { minLength: 61, maxLength: 61 });
  const some = fc.record({
    from: fc.oneof(fc.nat({ max: length - 1 }), fc.constant(0)),
    length: fc.integer({ min: 1, max: 400 }),
    at: fc.nat({ max: 70 }),
  });
  return fc.tuple(cuts, delays, fc.array(some, { maxLength: 6 })).map(([between, late, more]) => {
    const edges = [0, ...between.toSorted((left, right) => left - right), length];
    const pieces = edges.slice(1).map((to, index) => {
      const from = edges[index] ?? 0;
      return { from, length: to - from, at: index + (late[index] ?? 0) };
    });
    return [...pieces, ...more].toSorted((left, right) => left.at - right.at);
  });
}

function names(flows: FlowTable, segments: readonly Partial<Segment>[], at: UnixTime = NOW): string[] {
  return segments.flatMap((one) => flows.take(segment(one), at)?.names?.map(({ name }) => name) ?? []);
}
