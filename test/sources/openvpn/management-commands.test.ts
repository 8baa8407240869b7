import { describe, expect, test } from "vitest";
import { answersTo } from "../../../src/sources/openvpn/management-commands.ts";

describe("answersTo()", () => {
  test.for([
    ["status 3", ["block"]],
    ["  status", ["block"]],
    ["version", ["block"]],
    ["help", ["block"]],
    ["state", ["block"]],
    ["state all", ["block"]],
    ["state on", ["line"]],
    ["log on all", ["line", "block"]],
    ["log 20", ["block"]],
    ["log", ["line"]],
    ["echo off", ["line"]],
    ["pid", ["line"]],
    ["bogus", ["line"]],
    ["'status' 3", ["block"]],
    ['client-kill 3 "AUTH_FAILED,TEMP[backoff 60]:quota # used \\"up\\""', ["line"]],
    [`kill "${"ü".repeat(127)}"`, ["line"]],
  ] as const)("%s: %j", ([text, answers]) => {
    expect(answersTo(text)).toEqual(answers);
  });

  test.for([
    ["", "got an empty line"],
    [" \t", "got an empty line"],
    ["# status", "got an empty line"],
    ["; status", "got an empty line"],
    ["version 5", "not answered"],
    ["quit", "ends the line"],
    ["client-auth 1 2", "several lines"],
    ["pid\nkill alice", "control character"],
    ["pid\r", "control character"],
    ['kill "alice', "to be closed"],
    ["kill alice\\", "behind the last backslash"],
    [`kill ${"x".repeat(256)}`, "at most 255 bytes, got one of 256"],
    [`kill ${"ü".repeat(128)}`, "at most 255 bytes, got one of 256"],
    [`kill ${"x ".repeat(600)}`, "at most 1000 bytes"],
  ] as const)("throws RangeError for %j", ([text, why]) => {
    expect(() => answersTo(text)).toThrow(RangeError);
    expect(() => answersTo(text)).toThrow(why);
  });
});
