import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { lockLogin, lockOf, unlockLogin } from "../../../src/enforcement/ssh/login-lock.ts";
import { makeLogin } from "../../support/real-login.ts";
import { needs } from "../../support/requirements.ts";

const missing = needs("root", "useradd", "usermod");
const LOCKED = { wasLocked: true, expire: "1" };

describe.skipIf(missing)(`locks${missing}`, () => {
  test.for([
    { name: "no expiry", options: [], expire: "" },
    { name: "an expiry", options: ["--expiredate", "2027-01-31"], expire: "20849" },
  ])("a login with $name is locked twice and put back as it was", async ({ options, expire }) => {
    await using it = makeLogin("--password", "$6$x$y", ...options);
    const { name } = it.login;
    const before = lockOf(name);
    expect(before).toEqual({ wasLocked: false, expire });
    await lockLogin(name);
    await lockLogin(name);
    expect(lockOf(name)).toEqual(LOCKED);
    await unlockLogin(name, before);
    expect(lockOf(name)).toEqual(before);
    await unlockLogin(name, before);
    expect(lockOf(name)).toEqual(before);
  });

  test("one that the operator had locked stays locked, and without an expiry", async () => {
    await using it = makeLogin();
    const before = lockOf(it.login.name);
    expect(before).toEqual({ wasLocked: true, expire: "" });
    await lockLogin(it.login.name);
    await unlockLogin(it.login.name, before);
    expect(lockOf(it.login.name)).toEqual(before);
  });

  test("an expiry that somebody set meanwhile is left alone", async () => {
    await using it = makeLogin("--password", "$6$x$y");
    const { name } = it.login;
    const before = lockOf(name);
    await lockLogin(name);
    execFileSync("usermod", ["--expiredate", "2028-01-01", name]);
    await unlockLogin(name, before);
    expect(lockOf(name)).toEqual({ wasLocked: false, expire: "21184" });
  });

  test("a login that is not there is an error that names it", () => {
    expect(() => lockOf("slunobody")).toThrow('Cannot look at the lock of "slunobody"');
  });
});
