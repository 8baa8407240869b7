import { expect, test } from "vitest";
import { freshSecret } from "../../../src/enforcement/xray/fresh-secret.ts";

test.for([
  {
    name: "a UUID of version 4",
    kind: "uuid",
    form: /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  },
  { name: "a password of 32 hex digits", kind: "password", form: /^[0-9a-f]{32}$/ },
  { name: "a key of 16 bytes", kind: "key-16", form: /^[A-Za-z0-9+/]{22}==$/ },
  { name: "a key of 32 bytes", kind: "key-32", form: /^[A-Za-z0-9+/]{43}=$/ },
] as const)("freshSecret() makes $name, another each time", ({ kind, form }) => {
  const made = [freshSecret(kind), freshSecret(kind)];
  expect(made[0]).toMatch(form);
  expect(made[0]).not.toBe(made[1]);
});
