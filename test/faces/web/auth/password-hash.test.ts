import { expect, test } from "vitest";
import { hashPassword, isPassword, passwordFault } from "../../../../src/faces/web/auth/password-hash.ts";
import { cheapHash } from "../../../support/web-face.ts";

test.for([
  { password: "123456789", fault: "at least 10 letters, got 9" },
  { password: "1234567890", fault: undefined },
  { password: "😀😀😀😀😀😀😀😀😀", fault: "at least 10 letters, got 9" },
  { password: "x".repeat(128), fault: undefined },
  { password: "x".repeat(129), fault: "at most 128 bytes, got 129" },
  { password: "я".repeat(65), fault: "at most 128 bytes, got 130" },
])("passwordFault() of $password", ({ password, fault }) => {
  if (fault === undefined) expect(passwordFault(password)).toBeUndefined();
  else expect(passwordFault(password)).toContain(fault);
});

test("hashPassword() salts: the same twice is kept as two", async () => {
  const [one, other] = await Promise.all([hashPassword("the same"), hashPassword("the same")]);
  expect(one).not.toBe(other);
});

test.for([
  { name: "the one", kept: cheapHash("p\u00e4ssword"), tried: "p\u00e4ssword", is: true },
  {
    name: "the one, typed as other codes",
    kept: cheapHash("p\u00e4ssword"),
    tried: "pa\u0308ssword",
    is: true,
  },
  { name: "another", kept: cheapHash("password"), tried: "passwore", is: false },
  { name: "nothing", kept: cheapHash("password"), tried: "", is: false },
  { name: "one that is longer than any", kept: cheapHash("password"), tried: "x".repeat(4_000), is: false },
  { name: "against what is no hash", kept: "plain", tried: "plain", is: false },
])("isPassword() of $name: $is", async ({ kept, tried, is }) => {
  expect(await isPassword(kept, tried)).toBe(is);
});
