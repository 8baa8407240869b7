import { describe, expect, test } from "vitest";
import type { SocketFilter } from "../../src/kernel/netlink-listener.ts";
import { decodeMessages } from "../../src/kernel/netlink-messages.ts";
import { decodeEvent, encodeGreeting, forkFilter } from "../../src/kernel/proc-connector-messages.ts";

// What kernel 6.18 told of a program that started a thread and forked a process.
const GREETING =
  "4c00000003000000000000000000000001000000010000000000000001000000280000000000000001000000ccb0c497300f0000000000000000000000000000000000000000000000000000";
const THREAD =
  "4c000000030000000100000000000000010000000100000001000000000000002800000001000000010000005ff0c597300f000011280000112800003b280000122800000000000000000000";
const PROCESS =
  "4c0000000300000000000000000000000100000001000000000000000000000028000000010000000000000032d7cc97300f000012280000122800003c2800003c2800000000000000000000";
const EXIT =
  "4c0000000300000001000000000000000100000001000000010000000000000028000000000000800000000091eddb97300f00003c2800003c28000000070000110000001228000012280000";
const PARENT = 0x2812;
const CHILD = 0x283c;

describe("decodeEvent()", () => {
  test.for([
    { name: "a new process", hex: PROCESS, event: { parent: PARENT, child: CHILD } },
    { name: "the answer to a greeting", hex: GREETING, event: "greeting" },
    { name: "nothing of interest in a new thread", hex: THREAD, event: undefined },
    { name: "nothing of interest in an exit", hex: EXIT, event: undefined },
  ])("reads $name", ({ hex, event }) => {
    expect(decodeEvent(payloadOf(hex))).toEqual(event);
  });

  test("refuses a fork cut off at any byte before the child's end", () => {
    const payload = payloadOf(PROCESS);
    for (let length = 0; length < 52; length += 1) {
      expect(() => decodeEvent(payload.subarray(0, length))).toThrow(SyntaxError);
    }
    expect(decodeEvent(payload.subarray(0, 52))).toEqual({ parent: PARENT, child: CHILD });
  });
});

describe("encodeGreeting()", () => {
  test("is the message linux/cn_proc.h describes", () => {
    expect(encodeGreeting().toString("hex")).toBe(
      "28000000030000000000000000000000" + "0100000001000000" + "0000000000000000" + "04000000" + "01000000",
    );
  });
});

describe("forkFilter()", () => {
  test.for([
    { name: "a new process of a parent asked for", hex: PROCESS, parents: [PARENT], passes: true },
    { name: "one of the first of three parents", hex: PROCESS, parents: [PARENT, 1, 2], passes: true },
    { name: "one of the last of three parents", hex: PROCESS, parents: [1, 2, PARENT], passes: true },
    { name: "one of somebody else", hex: PROCESS, parents: [1, 2, CHILD], passes: false },
    { name: "a new process, where no parent is asked for", hex: PROCESS, parents: [], passes: false },
    { name: "a new thread of a parent asked for", hex: THREAD, parents: [0x2811, PARENT], passes: false },
    { name: "an exit", hex: EXIT, parents: [PARENT, CHILD], passes: false },
    { name: "the answer to a greeting", hex: GREETING, parents: [PARENT], passes: true },
    {
      name: "the answer to a greeting, where no parent is asked for",
      hex: GREETING,
      parents: [],
      passes: true,
    },
    {
      name: "a message cut off before the parent",
      hex: PROCESS.slice(0, 112),
      parents: [PARENT, 0],
      passes: false,
    },
  ])("lets pass $name: $passes", ({ hex, parents, passes }) => {
    expect(run(forkFilter(new Set(parents)), Buffer.from(hex, "hex")) > 0).toBe(passes);
  });

  test("holds 200 parents, and with more lets every new process pass, but no thread", () => {
    const many = (count: number) =>
      forkFilter(new Set(Array.from({ length: count }, (_, index) => 100_000 + index)));
    const passes = (filter: SocketFilter[], hex: string) => run(filter, Buffer.from(hex, "hex")) > 0;
    expect(passes(many(200), PROCESS)).toBe(false);
    expect(passes(many(200), PROCESS.replaceAll("12280000", "a0860100"))).toBe(true);
    expect(passes(many(200), PROCESS.replaceAll("12280000", "67870100"))).toBe(true);
    expect(passes(many(201), PROCESS)).toBe(true);
    expect(passes(many(201), THREAD)).toBe(false);
    expect(passes(many(201), EXIT)).toBe(false);
    expect(passes(many(201), GREETING)).toBe(true);
    for (const { jt, jf } of many(200)) expect(Math.max(jt, jf)).toBeLessThan(256);
  });
});

/** Classic BPF as the kernel runs it, as far as it is used: what it answers is how many bytes pass. */
function run(program: readonly SocketFilter[], datagram: Buffer): number {
  let [accumulator, kept, at] = [0, 0, 0];
  for (;;) {
    const instruction = program[at];
    if (!instruction) throw new Error(`Cannot run the filter: it jumps to ${at}, behind its end`);
    const { code, jt, jf, k } = instruction;
    at += 1;
    if (code === 0x06) return k;
    if (code === 0x20) {
      // A load from behind the end ends the program and drops the datagram.
      if (k + 4 > datagram.length) return 0;
      accumulator = datagram.readUInt32BE(k);
    } else if (code === 0x07) kept = accumulator;
    else if (code === 0x15) at += accumulator === k ? jt : jf;
    else if (code === 0x1d) at += accumulator === kept ? jt : jf;
    else if (code === 0x05) at += k;
    else throw new Error(`Cannot run the filter: unknown code ${code}`);
  }
}

function payloadOf(hex: string): Buffer {
  const [message] = decodeMessages(Buffer.from(hex, "hex"));
  if (!message) throw new Error("Cannot test: the fixture holds no message");
  return message.payload;
}
