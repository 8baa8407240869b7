import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  ClientBlocks,
  type ClientEvent,
  LONGEST_LINE,
  ManagementLines,
  realTimeLine,
  TooLongLineError,
} from "../../../src/sources/openvpn/management-lines.ts";
import { recording } from "./fixtures.ts";

/** What comes out of bytes in pieces of `size`. */
function told(bytes: Buffer, size: number): string[] {
  const said: string[] = [];
  const lines = new ManagementLines({
    onLine: (line) => said.push(line),
    onPrompt: () => said.push("(prompt)"),
  });
  for (let at = 0; at < bytes.length; at += size) lines.feed(bytes.subarray(at, at + size));
  return said;
}

describe("ManagementLines", () => {
  const raw = new URL("../../fixtures/openvpn/mgmt/", import.meta.url);
  const files = readdirSync(raw).filter((name) => name.endsWith(".raw") && !/^1[1-3]/.test(name));

  test.for(files)("cuts the same lines out of %s however its bytes come", (file) => {
    const bytes = recording(`mgmt/${file}`);
    const whole = bytes.toString("utf8").split("\r\n").slice(0, -1);
    expect(whole.length).toBeGreaterThan(0);
    for (const size of [1, 2, 3, 1000, bytes.length]) expect(told(bytes, size)).toEqual(whole);
  });

  test.for([1, 7, 1000])("tells prompts for a password, which have no line end, in pieces of %i", (size) => {
    expect(told(recording("mgmt/11-password.raw"), size).slice(0, 5)).toEqual([
      "(prompt)",
      "(prompt)",
      "(prompt)",
      "SUCCESS: password is correct",
      ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info",
    ]);
    expect(told(recording("mgmt/12-password-three-wrong.raw"), size)).toEqual(Array(3).fill("(prompt)"));
  });

  test("takes a prompt for text once the server has greeted", () => {
    const said: string[] = [];
    const lines = new ManagementLines({ onLine: (line) => said.push(line), onPrompt: () => said.push("!") });
    lines.prompting = false;
    lines.feed(Buffer.from("ENTER PASSWORD:x\nLF alone\n"));
    expect(said).toEqual(["ENTER PASSWORD:x", "LF alone"]);
  });

  test.for([1000, LONGEST_LINE + 2])(
    "throws TooLongLineError for a line without an end, in pieces of %i",
    (size) => {
      expect(() => told(Buffer.alloc(LONGEST_LINE + 1, "x"), size)).toThrow(TooLongLineError);
      expect(told(Buffer.from(`${"x".repeat(LONGEST_LINE - 1)}\r\n`), size)).toHaveLength(1);
    },
  );
});

test("realTimeLine() tells what comes unasked from answers", () => {
  expect(realTimeLine(">STATE:1,CONNECTED,SUCCESS,10.98.0.1,,,,")).toEqual({
    kind: "STATE",
    text: "1,CONNECTED,SUCCESS,10.98.0.1,,,,",
  });
  expect(realTimeLine(">odd")).toEqual({ kind: "odd", text: "" });
  expect(realTimeLine("SUCCESS: pid=1")).toBeUndefined();
});

function eventsIn(lines: readonly string[]): ClientEvent[] {
  const blocks = new ClientBlocks();
  return lines.flatMap((line) => {
    const real = realTimeLine(line);
    return (real?.kind === "CLIENT" && blocks.feed(real.text)) || [];
  });
}

describe("ClientBlocks", () => {
  test("puts blocks together as a server with management-client-auth sent them", () => {
    const events = eventsIn(told(recording("mgmt/05-management-client-auth.raw"), 4096));
    const kinds = events.map(({ event, clientId, keyId }) => `${event} ${clientId} ${keyId}`);
    expect(kinds.slice(0, 3)).toEqual(["CONNECT 0 1", "ADDRESS 0 undefined", "ESTABLISHED 0 undefined"]);
    expect(events[0]?.environment.get("common_name")).toBe("alice");
    expect(events[1]?.parameters).toEqual(["10.98.0.2", "1"]);
    expect(events[2]?.environment.get("time_unix")).toBe("1795220093");
    expect(kinds.some((kind) => kind.startsWith("REAUTH"))).toBe(true);
  });

  test("keeps no password", () => {
    const [event] = eventsIn([
      ">CLIENT:CONNECT,3,1",
      ">CLIENT:ENV,password=s3cret",
      ">CLIENT:ENV,username=a=b",
      ">CLIENT:ENV,=x",
      ">CLIENT:ENV,END",
    ]);
    expect([...(event?.environment ?? [])]).toEqual([["username", "a=b"]]);
  });

  test("passes over what is no block, and a block without an end", () => {
    const large = Array.from({ length: 10 }, (_, index) => `>CLIENT:ENV,v${index}=${"x".repeat(60_000)}`);
    expect(
      eventsIn([
        ...[
          ">CLIENT:ENV,a=b",
          ">CLIENT:ENV,END",
          ">CLIENT:connect,1",
          ">CLIENT:CONNECT,x,1",
          ">CLIENT:ENV,END",
        ],
        ...[">CLIENT:CONNECT,1,1", ...large, ">CLIENT:ENV,END"],
        ...[">CLIENT:CONNECT,1,1", ">CLIENT:ENV,a=1", ">CLIENT:DISCONNECT,2", ">CLIENT:ENV,END"],
      ]).map(({ event, clientId, environment }) => [event, clientId, environment.size]),
    ).toEqual([["DISCONNECT", 2, 0]]);
  });
});
