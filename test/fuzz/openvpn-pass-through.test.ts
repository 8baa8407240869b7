/** Whoever may use the shared management socket may send anything: in read mode nothing of it changes the server. */
import { expect, test } from "vitest";
import { answersTo } from "../../src/sources/openvpn/management-commands.ts";
import { type Order, orderIn } from "../../src/sources/openvpn/pass-through-commands.ts";
import { fuzz, TIMEOUT } from "./inputs.ts";

const READS =
  /^(?:status(?: \d{1,3})?|load-stats|pid|help|version|net|state|(?:state|log|echo) (?:all|[1-9]\d*)|auth-retry|env-filter|hold|mute|verb)$/;
const SAMPLES = [
  ...["status 3", "load-stats", "state on all", "log on 5", "echo off", "bytecount 5", "version 5", "quit"],
  ...["kill alice", 'kill "a b"', 'client-kill 3 "HALT,quota used up"', "signal SIGTERM", "hold release"],
  ...["client-auth-nt 1 1", 'client-deny 1 1 "a" "b"', "verb 11", "env-filter 2", "forget-passwords", "exit"],
];

test("orderIn() reads and never changes in read mode, and knows how each answer ends", {
  timeout: TIMEOUT,
}, () => {
  let passed = 0;
  fuzz(SAMPLES, (input) => {
    for (const line of input.toString("utf8").split("\n")) {
      const reading = askedIn(orderIn(line, { mode: "read", answersLogins: false }));
      if (reading && !READS.test(reading.text)) throw new Error(`passed on ${JSON.stringify(reading.text)}`);
      const ask = askedIn(orderIn(line, { mode: "control", answersLogins: true })) ?? reading;
      if (ask && /^client-(?!kill\b)/.test(ask.text)) throw new Error(`answered for us: ${ask.text}`);
      const answers = ask && answersOf(ask.text);
      if (!answers) continue;
      passed += 1;
      expect(answers).toEqual([ask.block ? "block" : "line"]);
    }
  });
  expect(passed).toBeGreaterThan(0);
});

function askedIn(order: Order) {
  const last = order.kind === "switch" ? order.then : order;
  return last?.kind === "ask" ? last : undefined;
}

/** Undefined for what the link refuses to send. */
function answersOf(text: string): readonly string[] | undefined {
  try {
    return answersTo(text);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
