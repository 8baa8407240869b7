import { describe, expect, test } from "vitest";
import { QuicFlows } from "../../../src/hosts/packets/quic-flows.ts";
import { unixTime } from "../../../src/units.ts";
import { datagram, parseDatagrams } from "./stand-in.ts";

const NOW = unixTime(1_000);
const NAMES = [{ name: "a.example", service: "QUIC" }];

describe("QuicFlows.take()", () => {
  test("answers with the names of one datagram, and keeps nothing", () => {
    const flows = new QuicFlows(parseDatagrams);
    expect(flows.take("k", datagram("a.example"), NOW)).toEqual(NAMES);
    expect(flows.begun.size).toBe(0);
  });

  test("collects the datagrams of a flow, in any order, each once", () => {
    const flows = new QuicFlows(parseDatagrams);
    const [first, second, third] = [1, 2, 3].map((part) => datagram("a.example", { part, parts: 3 }));
    for (const [key, one] of [
      ["k", third],
      ["k", third],
      ["other", second],
      ["k", first],
    ] as const) {
      expect(flows.take(key, one ?? Buffer.of(), NOW)).toBeUndefined();
    }
    expect(flows.begun.bytes).toBe(3 * (first?.length ?? 0));
    expect(flows.take("k", second ?? Buffer.of(), NOW)).toEqual(NAMES);
    expect(flows.begun.size).toBe(1);
  });

  test("keeps bytes of its own", () => {
    const flows = new QuicFlows(parseDatagrams);
    const chunk = datagram("a.example", { part: 1, parts: 2 });
    flows.take("k", chunk, NOW);
    chunk.fill(0);
    expect(flows.take("k", datagram("a.example", { part: 2, parts: 2 }), NOW)).toEqual(NAMES);
  });

  test("passes over what is no long header, and forgets what the parser refuses", () => {
    const parsed: number[] = [];
    const flows = new QuicFlows((datagrams) => {
      parsed.push(datagrams.length);
      return parseDatagrams(datagrams);
    });
    flows.take("k", Buffer.from("40ffff", "hex"), NOW);
    flows.take("k", Buffer.of(), NOW);
    expect(parsed).toEqual([]);
    flows.take("k", Buffer.from("c000", "hex"), NOW);
    expect([parsed, flows.begun.size, flows.mismatches]).toEqual([[1], 0, 1]);
  });

  test("goes on with a flow into which somebody puts nonsense", () => {
    const flows = new QuicFlows(parseDatagrams);
    flows.take("k", datagram("a.example", { part: 1, parts: 2 }), NOW);
    flows.take("k", Buffer.from("c000", "hex"), NOW);
    expect(flows.take("k", datagram("a.example", { part: 2, parts: 2 }), NOW)).toEqual(NAMES);
  });

  test.for([
    { name: "the eighth datagram", datagrams: 8, length: 30 },
    { name: "16 KB", datagrams: 4, length: 5_000 },
  ])("gives up at $name", ({ datagrams, length }) => {
    const flows = new QuicFlows(parseDatagrams);
    for (let part = 1; part <= datagrams; part += 1) {
      expect(flows.begun.size).toBe(part === 1 ? 0 : 1);
      flows.take("k", datagram("a.example".padEnd(length), { part, parts: 100 }), NOW);
    }
    expect(flows.begun.size).toBe(0);
  });

  test("forgets a flow after ten seconds", () => {
    const flows = new QuicFlows(parseDatagrams);
    flows.take("k", datagram("a.example", { part: 1, parts: 2 }), NOW);
    flows.expire(unixTime(10_999));
    expect(flows.begun.size).toBe(1);
    flows.expire(unixTime(11_000));
    expect(flows.begun).toMatchObject({ size: 0, expired: 1 });
  });

  test("keeps at most 1,024 flows and 4 MiB", () => {
    const flows = new QuicFlows(parseDatagrams);
    const [short, long] = [10, 16_000].map((length) => datagram("a".repeat(length), { parts: 2 }));
    let [most, mostBytes] = [0, 0];
    for (let flow = 0; flow < 100_000; flow += 1) {
      flows.take(`${flow}`, (flow % 8 === 0 ? long : short) ?? Buffer.of(), NOW);
      most = Math.max(most, flows.begun.size);
      mostBytes = Math.max(mostBytes, flows.begun.bytes);
    }
    expect(most).toBeLessThanOrEqual(1_024);
    expect(mostBytes).toBeLessThanOrEqual(4 * 2 ** 20);
    expect(flows.begun.size + flows.begun.evicted).toBe(100_000);
  });
});
