import { describe, expect, test } from "vitest";
import { WINDOW } from "../../../src/hosts/packets/assembly.ts";
import { TcpFlows, type TcpNames } from "../../../src/hosts/packets/tcp-flows.ts";
import { unixTime } from "../../../src/units.ts";
import { hello, parseStream } from "./stand-in.ts";

const NOW = unixTime(1_000);
const HELLO = hello("a.example", 300);
const LONG = hello("a.example", 60_000);

const ANSWER = Buffer.from("HTTP/1.1 200 OK\n");

/** Bytes and where in the flow they stand. */
type Part = readonly [offset: number, bytes: Uint8Array | string];

describe("TcpFlows.take()", () => {
  test("answers with the names of one segment, and keeps nothing", () => {
    const flows = new TcpFlows(parseStream);
    expect(take(flows, [[0, HELLO]])).toEqual(["a.example at 0"]);
    expect([flows.begun.size, flows.bytes]).toEqual([0, 0]);
  });

  test.for<{ name: string; parts: Part[]; want: string[] }>([
    { name: "one behind the other", parts: [part(0, 100), part(100, 300)], want: ["a.example at 0"] },
    { name: "turned around", parts: [part(100, 300), part(0, 100)], want: ["a.example at 0"] },
    {
      name: "with the first one last",
      parts: [part(290, 300), part(100, 290), part(0, 100)],
      want: ["a.example at 0"],
    },
    {
      name: "each twice",
      parts: [part(0, 100), part(0, 100), part(100, 300), part(100, 300)],
      want: ["a.example at 0"],
    },
    {
      name: "again in other pieces",
      parts: [part(0, 100), part(50, 200), part(150, 300)],
      want: ["a.example at 0"],
    },
    { name: "with a gap", parts: [part(0, 100), part(101, 300)], want: [] },
    {
      name: "with a gap filled",
      parts: [part(0, 100), part(101, 300), part(90, 110)],
      want: ["a.example at 0"],
    },
    {
      name: "with a late one that is old",
      parts: [[-50, "GET b.example\n"], part(0, 100), [-40, "old"], part(100, 300)],
      want: ["b.example at -50", "a.example at 0"],
    },
    {
      name: "with an old request sent again meanwhile",
      parts: [part(0, 100), [-50, "GET b.example\n"], part(100, 300)],
      want: ["b.example at -50", "a.example at 0"],
    },
    {
      name: "request by request",
      parts: [
        [0, "GET a\n"],
        [6, "GET b\n"],
        [12, "GET a\n"],
      ],
      want: ["a at 0", "b at 6", "a at 12"],
    },
    {
      name: "request by request, in pieces",
      parts: [
        [0, "GE"],
        [2, "T a\n"],
        [6, "GET b"],
        [11, "\n"],
        [12, "body"],
        [70_000, "P"],
        [70_001, "UT c\n"],
      ],
      want: ["a at 0", "b at 6", "c at 70000"],
    },
    {
      name: "a request after one that never ended",
      parts: [part(0, 100), [WINDOW, "GET b.exam"], [WINDOW + 10, "ple\n"]],
      want: ["b.example at 16384"],
    },
    {
      name: "a body that comes before its head",
      parts: [
        [5, " a\n"],
        [0, "GET x"],
      ],
      want: ["x a at 0"],
    },
    {
      name: "a middle that looks like a beginning, and is none",
      parts: [
        [4, "AB c\n"],
        [0, "POST"],
      ],
      want: ["c at 4"],
    },
    {
      name: "a middle that looks like a beginning of something longer",
      parts: [
        [3, "TS"],
        [0, "POS"],
        [5, " a\n"],
      ],
      want: ["a at 0"],
    },
    {
      name: "a middle that began something else until the parser refused",
      parts: [
        [5, "XY"],
        [7, "#z\n"],
        [0, "GET #"],
      ],
      want: ["#XY#z at 0"],
    },
    { name: "a server's answer", parts: [[0, "HTTP/1.1 200 OK\n"]], want: [] },
    {
      name: "a hello without a name, and another",
      parts: [
        [0, hello("")],
        [6, hello("b")],
      ],
      want: ["b at 6"],
    },
  ])("reads a flow $name", ({ parts, want }) => {
    expect(take(new TcpFlows(parseStream), parts)).toEqual(want);
  });

  test("tells flows apart by their key", () => {
    const flows = new TcpFlows(parseStream);
    expect(take(flows, [part(0, 100)], "one")).toEqual([]);
    expect(take(flows, [part(100, 300)], "two")).toEqual([]);
    expect(take(flows, [part(100, 300)], "one")).toEqual(["a.example at 0"]);
  });

  test("keeps bytes of its own", () => {
    const flows = new TcpFlows(parseStream);
    const parts: Part[] = [part(8, 300), part(0, 6), part(6, 8)];
    const passing = parts.map(([offset, bytes]): Part => [offset, Buffer.from(bytes as Uint8Array)]);
    const found = passing.flatMap((one) => {
      const names = take(flows, [one]);
      (one[1] as Uint8Array).fill(0);
      return names;
    });
    expect(found).toEqual(["a.example at 0"]);
  });

  test("gives up a beginning of 16 KB", () => {
    const flows = new TcpFlows(parseStream);
    take(flows, [[0, LONG.subarray(0, WINDOW - 1)]]);
    expect(flows.begun.size).toBe(1);
    take(flows, [[WINDOW - 1, LONG.subarray(WINDOW - 1)]]);
    expect([flows.begun.size, flows.mismatches]).toEqual([0, 1]);
  });

  test("looks at 16 KB of a joined segment", () => {
    const lengths: number[] = [];
    const flows = new TcpFlows((stream) => {
      lengths.push(stream.length);
      return parseStream(stream);
    });
    take(flows, [[0, Buffer.concat([HELLO, Buffer.alloc(60_000)])]]);
    expect(lengths).toEqual([WINDOW]);
  });

  test("forgets a beginning after ten seconds, and what stands alone after three", () => {
    const flows = new TcpFlows(parseStream);
    take(flows, [part(0, 100)], "begun");
    take(flows, [part(100, 300)], "early");
    flows.expire(unixTime(4_000));
    expect(take(flows, [part(0, 100)], "early")).toEqual([]);
    flows.expire(unixTime(10_999));
    expect(flows.begun).toMatchObject({ size: 2, expired: 0 });
    flows.expire(unixTime(11_000));
    expect(flows.begun).toMatchObject({ size: 0, expired: 2 });
    expect(flows.bytes).toBe(0);
  });

  test.for([
    { name: "beginnings", bytes: (flow: number) => HELLO.subarray(0, 1 + (flow % 250)) },
    { name: "long beginnings", bytes: () => LONG.subarray(0, 16_000) },
    { name: "segments without a beginning", bytes: (flow: number) => Buffer.alloc(1 + (flow % 1_400), 7) },
    { name: "what looks like a beginning", bytes: () => ANSWER },
  ])("keeps its bounds in a flood of $name", ({ bytes }) => {
    const flows = new TcpFlows(parseStream);
    let [most, mostBytes] = [0, 0];
    for (let flow = 0; flow < 100_000; flow += 1) {
      flows.take(`${flow}`, { sequence: flow, bytes: bytes(flow) }, NOW);
      most = Math.max(most, flows.begun.size);
      mostBytes = Math.max(mostBytes, flows.bytes);
    }
    expect(most).toBeLessThanOrEqual(3_072);
    expect(mostBytes).toBeLessThanOrEqual(13 * 2 ** 20);
  });

  test("keeps its bounds in a flood of one flow", () => {
    const flows = new TcpFlows(parseStream);
    let most = 0;
    for (let piece = 0; piece < 100_000; piece += 1) {
      flows.take("k", { sequence: 2 * piece, bytes: Buffer.of(7) }, NOW);
      most = Math.max(most, flows.bytes);
    }
    expect(most).toBeLessThanOrEqual(2 * WINDOW);
  });

  test("gives the name once for every cut in two, and for segments of every size", () => {
    for (let cut = 1; cut < HELLO.length; cut += 1) {
      expect(take(new TcpFlows(parseStream), [part(0, cut), part(cut, 300)])).toEqual(["a.example at 0"]);
      expect(take(new TcpFlows(parseStream), [part(cut, 300), part(0, cut)])).toEqual(["a.example at 0"]);
      const count = Math.ceil(HELLO.length / cut);
      const parts = Array.from({ length: count }, (_, index) => part(index * cut, (index + 1) * cut));
      expect(take(new TcpFlows(parseStream), parts)).toEqual(["a.example at 0"]);
    }
  });
});

function part(from: number, to: number): Part {
  return [from, HELLO.subarray(from, to)];
}

const START = 5_000;

/** @returns the names and the offsets at which their requests begin. */
function take(flows: TcpFlows, parts: readonly Part[], key = "k"): string[] {
  return parts
    .map(([offset, bytes]) =>
      flows.take(
        key,
        { sequence: START + offset, bytes: typeof bytes === "string" ? Buffer.from(bytes) : bytes },
        NOW,
      ),
    )
    .filter((found): found is TcpNames => found !== undefined)
    .map(({ sequence, names }) => `${names.map(({ name }) => name).join()} at ${sequence - START}`);
}
