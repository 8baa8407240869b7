import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { Waiting } from "../../../src/hosts/packets/waiting.ts";
import { milliseconds, unixTime } from "../../../src/units.ts";

const LIMITS = { entries: 3, bytes: 100, age: milliseconds(1_000) };
const at = unixTime;

describe("Waiting", () => {
  test("keeps the youngest, by number", () => {
    const waiting = new Waiting<string>(LIMITS);
    for (const key of ["a", "b", "c", "d"]) waiting.set(key, key, 1, at(0));
    expect(["a", "b", "c", "d"].map((key) => waiting.get(key))).toEqual([undefined, "b", "c", "d"]);
    expect(waiting).toMatchObject({ size: 3, bytes: 3, evicted: 1, expired: 0 });
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
    const waiting = new Waiting<number>(LIMITS);
    for (let turn = 0; turn < 10_000; turn += 1) {
      waiting.set(`${turn}`, turn, 1, at(turn));
      if (turn % 7 === 0) waiting.delete(`${turn - 1}`);
      if (turn % 11 === 0) waiting.set(`${turn - 2}`, turn - 2, 1, at(turn));
      if (turn % 500 === 0) waiting.expire(at(turn + 2_000));
    }
    expect(waiting.size).toBe(3);
    expect([9_999, 9_998, 9_997].map((turn) => waiting.get(`${turn}`))).toEqual([9_999, 9_998, 9_997]);
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
    const waiting = new Waiting<string>(LIMITS);
    for (const key of ["a", "b", "a"]) waiting.set(key, key, 10, at(0));
    expect(waiting).toMatchObject({ size: 2, bytes: 20, evicted: 0 });
    waiting.set("c", "c", 10, at(0));
    waiting.set("d", "d", 10, at(0));
    expect(waiting.get("b")).toBeUndefined();
    expect(waiting.get("a")).toBe("a");
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
    waiting.set("a", "a", 1, at(5_000));
    waiting.set("b", "b", 1, at(5_500));
    expect(waiting.expire(at(5_999))).toEqual([]);
    expect(waiting.expire(at(6_000))).toEqual(["a"]);
    waiting.set("c", "c", 1, at(6_000));
    expect(waiting.expire(at(9_000))).toEqual(["b", "c"]);
    expect(waiting).toMatchObject({ size: 0, bytes: 0, evicted: 0, expired: 3 });
  });

  test("does not wait for a clock that was set back", () => {
    const waiting = new Waiting<string>(LIMITS);
    waiting.set("a", "a", 1, at(9_000_000));
    waiting.set("b", "b", 1, at(5_000));
    expect(waiting.expire(at(5_100))).toEqual(["a"]);
    expect(waiting.expire(at(6_000))).toEqual(["b"]);
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
