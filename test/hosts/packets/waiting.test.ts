import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { Waiting } from "../../../src/hosts/packets/waiting.ts";
import { milliseconds, unixTime } from "../../../src/units.ts";

const LIMITS = { entries: 3, bytes: 100, age: milliseconds(1_000) };
const at = unixTime;

describe("Waiting", () => {
  test("keeps the youngest, by number: beyond it the oldest sixteenth leaves", () => {
    const waiting = new Waiting<number>({ ...LIMITS, entries: 32 });
    for (let turn = 0; turn < 32; turn += 1) waiting.set(`${turn}`, turn, 1, at(0));
    expect(waiting).toMatchObject({ size: 32, evicted: 0 });
    waiting.set("32", 32, 1, at(0));
    expect(waiting).toMatchObject({ size: 30, bytes: 30, evicted: 3, expired: 0 });
    expect(["0", "1", "2", "3", "32"].map((key) => waiting.get(key))).toEqual([
      ...[undefined, undefined, undefined],
      ...[3, 32],
    ]);
  });

  test("keeps the youngest, by bytes, and nothing beyond all bytes", () => {
    const waiting = new Waiting<string>(LIMITS);
    waiting.set("a", "a", 60, at(0));
    waiting.set("b", "b", 41, at(0));
    expect(waiting).toMatchObject({ size: 1, bytes: 41, evicted: 1 });
    waiting.set("c", "c", 101, at(0));
    expect(waiting).toMatchObject({ size: 0, bytes: 0, evicted: 3 });
  });

  test("keeps the youngest, however they come and go", () => {
    const waiting = new Waiting<number>({ ...LIMITS, entries: 32 });
    const wanted = new Map<number, number>();
    for (let turn = 0; turn < 10_000; turn += 1) {
      waiting.set(`${turn}`, turn, 1, at(turn));
      if (turn % 7 === 0) waiting.delete(`${turn - 1}`);
      if (turn % 11 === 0) waiting.set(`${turn - 2}`, -turn, 1, at(turn));
      if (turn % 500 === 0) waiting.expire(at(turn + 2_000));
      if (turn >= 9_975 && turn % 7 !== 6) wanted.set(turn, (turn + 2) % 11 === 0 ? -turn - 2 : turn);
      expect(waiting.size).toBeLessThanOrEqual(32);
    }
    expect([...wanted.keys()].map((turn) => waiting.get(`${turn}`))).toEqual([...wanted.values()]);
  });

  test("keeps nothing of what came and went", () => {
    const waiting = new Waiting<number>(LIMITS);
    const come = (count: number) => {
      for (let turn = 0; turn < count; turn += 1) {
        waiting.set(`${turn}`, turn, 1, at(turn));
        waiting.delete(`${turn}`);
        if (turn % 1_000 === 0) waiting.expire(at(turn));
      }
      return heapInUse();
    };
    const before = come(1_000);
    expect(come(200_000) - before).toBeLessThan(5_000_000);
  });

  test("takes something in another's place, as the youngest", () => {
    const waiting = new Waiting<string>({ ...LIMITS, entries: 16 });
    for (const key of ["a", "b", "c", "a"]) waiting.set(key, key, 1, at(0));
    expect(waiting).toMatchObject({ size: 3, bytes: 3, evicted: 0 });
    for (let turn = 0; turn < 14; turn += 1) waiting.set(`${turn}`, "more", 1, at(0));
    expect(["a", "b", "c", "0"].map((key) => waiting.get(key))).toEqual(["a", undefined, undefined, "more"]);
  });

  test("lets something grow in its place", () => {
    const waiting = new Waiting<string>(LIMITS);
    for (const key of ["a", "b"]) waiting.set(key, key, 10, at(0));
    waiting.update("a", "A", 60);
    expect(waiting.get("a")).toBe("A");
    waiting.update("b", "B", 41);
    expect(waiting.get("a")).toBeUndefined();
    expect(waiting).toMatchObject({ size: 1, bytes: 41, evicted: 1 });
    waiting.update("a", "again", 1);
    expect(waiting.size).toBe(1);
  });

  test("answers with what is too old, the oldest first", () => {
    const waiting = new Waiting<string>(LIMITS);
    waiting.set("a", "A", 1, at(5_000));
    waiting.set("b", "b", 1, at(5_500));
    expect(waiting.expire(at(5_999))).toEqual([]);
    expect(waiting.expire(at(6_000))).toEqual([["a", "A"]]);
    waiting.set("c", "c", 1, at(6_000));
    expect(waiting.expire(at(9_000)).map(([key]) => key)).toEqual(["b", "c"]);
    expect(waiting).toMatchObject({ size: 0, bytes: 0, evicted: 0, expired: 3 });
  });

  test("does not wait for a clock that was set back", () => {
    const waiting = new Waiting<string>(LIMITS);
    waiting.set("a", "a", 1, at(9_000_000));
    waiting.set("b", "b", 1, at(5_000));
    expect(waiting.expire(at(5_100))).toEqual([["a", "a"]]);
    expect(waiting.expire(at(6_000))).toEqual([["b", "b"]]);
  });

  test("answers with what is taken away", () => {
    const waiting = new Waiting<string>(LIMITS);
    waiting.set("a", "a", 7, at(0));
    expect([waiting.delete("a"), waiting.delete("a")]).toEqual(["a", undefined]);
    expect(waiting).toMatchObject({ size: 0, bytes: 0, evicted: 0 });
  });
});

/** Bytes, after a collection. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
