import { describe, expect, test } from "vitest";
import {
  killByClient,
  killByName,
  letIn,
  refuse,
  waitMessage,
} from "../../../src/enforcement/openvpn/client-texts.ts";
import { answersTo } from "../../../src/sources/openvpn/management-commands.ts";
import { milliseconds } from "../../../src/units.ts";

const BACKOFF = milliseconds(60_000);

describe("what a server is told of a client", () => {
  test.for([
    [
      "quota used up until 2026-12-01",
      'client-kill 7 "AUTH_FAILED,TEMP[backoff 60]:quota used up until 2026-12-01"',
    ],
    ['a "b" \\c', 'client-kill 7 "AUTH_FAILED,TEMP[backoff 60]:a \\"b\\" \\\\c"'],
    ["one\nkill bob\r\n\u0007", 'client-kill 7 "AUTH_FAILED,TEMP[backoff 60]:onekill bob"'],
  ])("killByClient() keeps %j one word", ([reason = "", command]) => {
    expect(killByClient(7, waitMessage(BACKOFF, reason))).toBe(command);
  });

  test.for([
    "x".repeat(300),
    "ü".repeat(200),
    "\ud83d\ude00".repeat(100),
    `${'\\"'.repeat(200)}`,
    "x".repeat(228),
  ])("killByClient() and refuse() cut a long text so that the server takes it (%#)", (reason) => {
    const messages = [killByClient(2 ** 31, waitMessage(BACKOFF, reason)), refuse(7, 8, BACKOFF, reason)];
    for (const message of messages) {
      expect(answersTo(message)).toEqual(["line"]);
      expect(message).not.toContain("\ufffd");
      expect(message.isWellFormed()).toBe(true);
    }
  });

  test("waits are told in whole seconds", () => {
    expect(waitMessage(milliseconds(1_001), "x")).toBe("AUTH_FAILED,TEMP[backoff 2]:x");
  });

  test.for([
    { name: "alice", command: 'kill "alice"' },
    { name: 'two words, "x" \\', command: 'kill "two words, \\"x\\" \\\\"' },
    { name: "ü".repeat(63), command: `kill "${"ü".repeat(63)}"` },
    { name: "ü".repeat(64), command: undefined },
    { name: "10.0.0.1:1194", command: undefined },
    { name: "alice:", command: undefined },
    { name: "a\nb", command: undefined },
    { name: "", command: undefined },
  ])("killByName() makes $command of $name", ({ name, command }) => {
    expect(killByName(name)).toBe(command);
  });

  test("letIn() and refuse() name the client and his key", () => {
    expect(letIn(3, 1)).toBe("client-auth-nt 3 1");
    expect(refuse(3, 1, BACKOFF, "quota used up")).toBe(
      'client-deny 3 1 "denied by Sluice" "TEMP[backoff 60]:quota used up"',
    );
  });
});
