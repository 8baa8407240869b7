import { describe, expect, test } from "vitest";
import {
  type Channel,
  mayHear,
  orderIn,
  type PassThroughMode,
} from "../../../src/sources/openvpn/pass-through-commands.ts";

const READ = { mode: "read", answersLogins: false } as const;
const CONTROL = { mode: "control", answersLogins: false } as const;
const ASKED = { mode: "control", answersLogins: true } as const;

const ask = (text: string, block: boolean) => ({ kind: "ask", text, block });
const error = (text: string) => ({ kind: "say", line: `ERROR: ${text}` });
const readOnly = (command: string) =>
  error(
    `'${command}' is refused: this socket is read-only (Sluice holds the management interface; openvpn.pass_through)`,
  );

describe("orderIn()", () => {
  test.for([
    { line: "status", order: ask("status", true) },
    { line: " status\t3 ", order: ask("status 3", true) },
    { line: "status 2 junk", order: ask("status 2", true) },
    { line: "status x", order: ask("status", true) },
    { line: "status 3\u0000", order: ask("status", true) },
    { line: "load-stats", order: ask("load-stats", false) },
    { line: "pid 1", order: ask("pid", false) },
    { line: "help", order: ask("help", true) },
    { line: "version", order: ask("version", true) },
    { line: "version 5", order: { kind: "nothing" } },
    { line: "", order: { kind: "nothing" } },
    { line: " \t", order: { kind: "nothing" } },
    { line: "# pid", order: { kind: "nothing" } },
    { line: "state", order: ask("state", true) },
    { line: "state all", order: ask("state all", true) },
    { line: "state 2", order: ask("state 2", true) },
    { line: "state on", order: { kind: "switch", channel: "state", on: true, then: undefined } },
    { line: "state off", order: { kind: "switch", channel: "state", on: false, then: undefined } },
    {
      line: "log on 5",
      order: { kind: "switch", channel: "log", on: true, then: ask("log 5", true) },
    },
    { line: "log", order: error("the 'log' command requires at least 1 parameter") },
    { line: "log 0", order: error("log parameter must be 'on' or 'off' or some number n or 'all'") },
    {
      line: "state on x",
      order: {
        ...{ kind: "switch", channel: "state", on: true },
        then: error("state parameter must be 'on' or 'off' or some number n or 'all'"),
      },
    },
    { line: "log +2x", order: ask("log 2", true) },
    { line: "echo -1", order: error("echo parameter must be 'on' or 'off' or some number n or 'all'") },
    { line: "bytecount", order: error("the 'bytecount' command requires 1 parameter") },
    { line: "bytecount 5", order: { kind: "bytecount", seconds: 5 } },
    { line: "bytecount x", order: { kind: "bytecount", seconds: 0 } },
    { line: "quit now", order: { kind: "leave" } },
    { line: "exit", order: { kind: "leave" } },
    { line: "hold", order: ask("hold", false) },
    { line: "verb", order: ask("verb", false) },
    { line: "frobnicate", order: error("unknown command, enter 'help' for more options") },
    { line: "Status", order: error("unknown command, enter 'help' for more options") },
    { line: '"status"', order: error("unknown command, enter 'help' for more options") },
    { line: "constructor", order: error("unknown command, enter 'help' for more options") },
    { line: "test 2", order: error("'test' is refused: its answer has no end (openvpn.pass_through)") },
  ])("answers $line whatever the mode", ({ line, order }) => {
    expect([READ, CONTROL].map((rules) => orderIn(line, rules))).toEqual([order, order]);
  });

  test.for([
    ...[
      "kill alice",
      "client-kill 1",
      "signal SIGTERM",
      "hold release",
      "verb 11",
      "mute 3",
      "auth-retry none",
    ],
    ...["client-auth-nt 1 1", "client-deny 1 1 x", "forget-passwords", "password Auth x", "remote ACCEPT"],
    ...["needok x ok", "cr-response x", "proxy NONE", "username Auth x", "client-pending-auth 1 1 x 1"],
  ])("passes %j on in control mode alone", (line) => {
    expect(orderIn(line, READ)).toEqual(readOnly(line.split(" ")[0] ?? ""));
    expect(orderIn(` ${line} `, CONTROL)).toEqual(ask(line, false));
  });

  test.for(["client-auth-nt 1 1", "client-deny 1 1 x", "client-pending-auth 1 1 x 1"])(
    "passes %j on to nobody where Sluice answers it itself",
    (line) => {
      const [command] = line.split(" ");
      expect(orderIn(line, ASKED)).toEqual(
        error(`'${command}' is refused: Sluice says who may come in (openvpn.client_auth)`),
      );
      expect(orderIn("client-kill 1", ASKED)).toEqual(ask("client-kill 1", false));
    },
  );

  test.for(["client-auth 1 1", "rsa-sig", "pk-sig", "certificate", "env-filter 1", "pkcs11-id-get 1"])(
    "never passes %j on, which would put the session out of step",
    (line) => {
      expect([READ, CONTROL, ASKED].map((rules) => orderIn(line, rules).kind)).toEqual(["say", "say", "say"]);
    },
  );
});

describe("mayHear()", () => {
  test.for<{ line: string; channels: readonly Channel[]; mode: PassThroughMode; hears: boolean }>([
    { line: ">STATE:1,CONNECTED,SUCCESS,,,,,", channels: ["state"], mode: "read", hears: true },
    { line: ">STATE:1,CONNECTED,SUCCESS,,,,,", channels: ["log"], mode: "control", hears: false },
    { line: ">LOG:1,I,text", channels: ["log"], mode: "read", hears: true },
    { line: ">ECHO:1,text", channels: [], mode: "read", hears: false },
    { line: ">HOLD:Waiting for hold release:0", channels: [], mode: "read", hears: true },
    { line: ">FATAL:it ends", channels: [], mode: "read", hears: true },
    { line: ">BYTECOUNT_CLI:0,1,2", channels: ["state", "log", "echo"], mode: "control", hears: false },
    { line: ">PASSWORD:Need 'Auth'", channels: [], mode: "control", hears: false },
    { line: ">CLIENT:ESTABLISHED,1", channels: ["state", "log", "echo"], mode: "read", hears: false },
    { line: ">CLIENT:ESTABLISHED,1", channels: [], mode: "control", hears: true },
    { line: ">CLIENT:ENV,username=joe", channels: [], mode: "control", hears: true },
    { line: ">CLIENT:ENV,password=secret", channels: [], mode: "control", hears: false },
    { line: ">CLIENT:ENV,password=", channels: [], mode: "control", hears: false },
    { line: ">CLIENT:CR_RESPONSE,0,1,c2VjcmV0", channels: [], mode: "control", hears: false },
    { line: "SUCCESS: no real-time line", channels: [], mode: "control", hears: false },
  ])("$line, with $channels in mode $mode: $hears", ({ line, channels, mode, hears }) => {
    expect(mayHear(line, new Set(channels), mode)).toBe(hears);
  });
});
