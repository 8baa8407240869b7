import { expect, test } from "vitest";
import { reasonForError } from "../../../src/sources/openvpn/management-troubles.ts";

test.for([
  ["ENOENT", "no such socket"],
  ["ECONNREFUSED", "not running"],
  ["EACCES", "no right"],
  ["EPERM", "no right"],
  ["EAGAIN", "other programs hold"],
  ["ETIMEDOUT", "connect ETIMEDOUT"],
] as const)("reasonForError() says of %s: %s", ([code, words]) => {
  expect(reasonForError(Object.assign(new Error(`connect ${code}`), { code }))).toContain(words);
});
