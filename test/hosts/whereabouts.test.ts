import { describe, expect, test } from "vitest";
import { Whereabouts } from "../../src/hosts/whereabouts.ts";
import { userName } from "../../src/names.ts";

const JOE = userName("joe");
const HOME = { service: "VLESS", address: "198.51.100.7" } as const;

describe("Whereabouts", () => {
  test("of() tells where an account was last, each keeper's by itself", () => {
    const whereabouts = new Whereabouts();
    whereabouts.note("xray", JOE, { service: "VMESS", address: undefined });
    whereabouts.note("xray", JOE, HOME);
    expect(whereabouts.of("xray", JOE)).toEqual(HOME);
    expect(whereabouts.of("ssh", JOE)).toBeUndefined();
  });

  test("forgets whom it has not heard of for the longest time when there are too many", () => {
    const whereabouts = new Whereabouts();
    const other = userName("other");
    for (const account of [other, JOE, other]) whereabouts.note("ssh", account, HOME);
    for (let index = 0; index < 9_999; index += 1) whereabouts.note("ssh", userName(`u${index}`), HOME);
    expect(whereabouts.of("ssh", JOE)).toBeUndefined();
    expect(whereabouts.of("ssh", other)).toEqual(HOME);
  });
});
