import { describe, expect, test } from "vitest";
import { KeyDecoder } from "../../../src/faces/monitor/key-decoder.ts";

const SENT = "a\u001b[A\u001bOB\u001b[5~/用\u007f\r\u0003\u001b[1;5C\u001b[[Aq";
const KEYS = ["a", "up", "down", "page-up", "/", "用", "backspace", "enter", "ctrl-c", "q"];

describe("KeyDecoder", () => {
  test("names keys, and passes over those it does not know", () => {
    expect(new KeyDecoder().push(SENT)).toEqual(KEYS);
  });

  test("joins sequences that were split anywhere", () => {
    for (let at = 1; at < SENT.length; at++) {
      const decoder = new KeyDecoder();
      expect([...decoder.push(SENT.slice(0, at)), ...decoder.push(SENT.slice(at))]).toEqual(KEYS);
    }
  });

  test("takes ESC for a key once nothing follows in time", () => {
    const decoder = new KeyDecoder();
    expect(decoder.push("\u001b")).toEqual([]);
    expect(decoder.waits).toBe(true);
    expect(decoder.giveUp()).toEqual(["escape"]);
    expect(decoder.waits).toBe(false);
    expect(decoder.giveUp()).toEqual([]);
  });

  test("does not wait for ever for a sequence that has no end", () => {
    const decoder = new KeyDecoder();
    expect(decoder.push(`\u001b[${"1;".repeat(40)}`)[0]).toBe("escape");
    expect(decoder.waits).toBe(false);
  });
});
