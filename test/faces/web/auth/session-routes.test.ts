/** Signing in and out over real HTTP: what is answered, what the cookie is, what ends a login. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { cheapHash, cookieOf, openTestWeb, PASSWORD, type TestWeb } from "../../../support/web-face.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let web: TestWeb;

beforeAll(async () => {
  web = await openTestWeb({ web: { trusted_proxies: ["127.0.0.1"] } });
});

afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

beforeEach(() => {
  web.clock.now += 2 * HOUR; // what was failed before is forgotten
});

/** Through a proxy, so that a test can come from anywhere. */
function post(path: string, body: unknown, headers: Record<string, string> = {}, from = "192.0.2.1") {
  return fetch(web.origin + path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "x-forwarded-for": from, ...headers },
  });
}

function get(path: string, cookie: string, headers: Record<string, string> = {}) {
  return fetch(web.origin + path, { redirect: "manual", headers: { cookie, ...headers } });
}

async function audited() {
  await web.core.trail.flush();
  return web.audited.splice(0).map(({ kind, actor, address, count }) => ({ kind, actor, address, count }));
}

const signInAs = (username: string, password = PASSWORD, from = "192.0.2.1") =>
  post("/api/v1/session", { username, password }, {}, from);

describe("signing in", () => {
  test("answers who it is, and gives a cookie that scripts and other sites do not get", async () => {
    await audited();
    const told = await signInAs("root");
    expect(told.status).toBe(200);
    expect(await told.json()).toEqual({
      ...{ name: "root", role: "admin", timeZone: "UTC", mayDelete: false },
      ...{ version: expect.any(String), expiresAt: web.clock.now + 168 * HOUR },
    });
    const cookie = told.headers.get("set-cookie") ?? "";
    expect(cookie).toMatch(/^sluice=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(await audited()).toEqual([
      { kind: "web-signed-in", actor: "root", address: "192.0.2.1", count: 1 },
    ]);
    const again = await get("/api/v1/session", cookie.split(";")[0] ?? "");
    expect(await again.json()).toMatchObject({ name: "root", role: "admin" });
    expect(again.headers.get("cache-control")).toBe("no-store");
  });

  test("over TLS gives a cookie that goes nowhere else", async () => {
    const body = { username: "root", password: PASSWORD };
    const told = await post("/api/v1/session", body, { "x-forwarded-proto": "https" });
    expect(told.headers.get("set-cookie")).toMatch(
      /^__Host-sluice=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
  });

  test("keeps no token: what is in the database opens nothing", async () => {
    const cookie = cookieOf(web).slice("sluice=".length);
    expect(web.core.logins.find(cookie, web.clock.now)).toMatchObject({ name: "root" });
    const { digestOf } = await import("../../../../src/faces/web/auth/secret.ts");
    expect(web.core.logins.find(digestOf(cookie), web.clock.now)).toBe("unknown");
  });

  test.for([
    { name: "a wrong password", body: { username: "root", password: "wrong" } },
    { name: "a name that nobody has in these letters", body: { username: "ROOT", password: PASSWORD } },
  ])("refuses $name in the same words, counted and told", async ({ body }) => {
    await audited();
    const before = web.core.refusals.counts.get("wrong_password") ?? 0;
    const told = await post("/api/v1/session", body);
    expect(told.status).toBe(401);
    expect(await told.json()).toEqual({
      error: { code: "unauthorized", message: "The name or the password is wrong" },
    });
    expect(told.headers.get("set-cookie")).toBeNull();
    expect(web.core.refusals.counts.get("wrong_password")).toBe(before + 1);
    expect(await audited()).toEqual([
      { kind: "web-sign-in-failed", actor: body.username, address: "192.0.2.1", count: 1 },
    ]);
  });

  test.for(["{", "[]", '{"username":"root"}', '{"username":1,"password":"x"}', ""])(
    "refuses the body %j",
    async (body) => {
      const told = await fetch(`${web.origin}/api/v1/session`, { method: "POST", body });
      expect(told.status).toBe(400);
    },
  );

  test("as older dashboards have it answers success, or the error and 401", async () => {
    const right = await post("/login", { username: "root", password: PASSWORD });
    expect([right.status, await right.json()]).toEqual([200, { success: true }]);
    expect(right.headers.get("set-cookie")).toMatch(/^sluice=/);
    const wrong = await post("/login", { username: "root", password: "wrong" });
    expect([wrong.status, await wrong.json()]).toEqual([
      401,
      { success: false, error: "The name or the password is wrong" },
    ]);
  });
});

/** Of those names somebody has every one, at little work each. */
function known(name: string): string {
  if (!web.core.admins.find(name))
    web.core.admins.add({ name, role: "viewer", password: cheapHash(PASSWORD) }, web.clock.now);
  return name;
}

describe("who fails again and again", () => {
  test("waits by his address, longer each time, and is not looked at meanwhile", async () => {
    const waits: (string | null)[] = [];
    for (let round = 0; round < 3; round += 1) {
      for (let tries = 0; tries < (round === 0 ? 5 : 1); tries += 1)
        expect((await signInAs(known(`name${round}-${tries}`), "wrong", "192.0.2.9")).status).toBe(401);
      const told = await signInAs("root", PASSWORD, "192.0.2.9");
      expect(told.status).toBe(429);
      waits.push(told.headers.get("retry-after"));
      web.clock.now += Number(told.headers.get("retry-after")) * 1_000;
    }
    expect(waits).toEqual(["1", "2", "4"]);
    expect((await signInAs("root", PASSWORD, "192.0.2.9")).status).toBe(200);
  });

  test("waits by the name he tries, from wherever he does, and keeps out nobody who is in", async () => {
    const from = (host: number) => `198.51.100.${host}`;
    expect((await signInAs("guest", PASSWORD, from(100))).status).toBe(200);
    for (let host = 0; host < 5; host += 1)
      expect((await signInAs("guest", "wrong", from(host))).status).toBe(401);
    expect((await signInAs("guest", PASSWORD, from(50))).status).toBe(429);
    expect((await signInAs("guest", PASSWORD, from(100))).status).toBe(200);
  });

  test("has one network of IPv6 only", async () => {
    const from = (host: number) => `2001:db8:1:2::${host}`;
    for (let host = 1; host <= 5; host += 1) await signInAs(known(`v6-${host}`), "wrong", from(host));
    expect((await signInAs("root", PASSWORD, from(9))).status).toBe(429);
    expect((await signInAs("root", PASSWORD, "2001:db8:1:3::9")).status).toBe(200);
  });

  test("at once is not the first a hundred times", async () => {
    const told = await Promise.all(
      Array.from({ length: 40 }, (_, index) => signInAs(known(`at-once-${index}`), "wrong", "192.0.2.77")),
    );
    const looked = told.filter(({ status }) => status === 401);
    expect(looked.length).toBeLessThanOrEqual(5);
    expect(told.filter(({ status }) => status === 429)).toHaveLength(40 - looked.length);
  });
});

describe("a login ends", () => {
  const isIn = async (cookie: string) => (await get("/api/v1/session", cookie)).status === 200;

  test("at sign-out, and the others of the same admin last", async () => {
    const [one, other] = [cookieOf(web), cookieOf(web)];
    const own = { cookie: one, "sec-fetch-site": "same-origin" };
    const told = await fetch(`${web.origin}/api/v1/session`, { method: "DELETE", headers: own });
    expect(told.status).toBe(204);
    expect(told.headers.get("set-cookie")).toMatch(/^sluice=; Max-Age=0/);
    expect([await isIn(one), await isIn(other)]).toEqual([false, true]);
  });

  test("at sign-out everywhere, and those of others last", async () => {
    const [one, other, guest] = [cookieOf(web), cookieOf(web), cookieOf(web, "guest")];
    const own = { cookie: one, "sec-fetch-site": "same-origin" };
    await audited();
    const told = await fetch(`${web.origin}/api/v1/sessions`, { method: "DELETE", headers: own });
    expect(told.status).toBe(204);
    expect([await isIn(one), await isIn(other), await isIn(guest)]).toEqual([false, false, true]);
    expect(await audited()).toContainEqual({
      ...{ kind: "web-signed-out", actor: "root", address: "127.0.0.1", count: 1 },
    });
  });

  test("at /logout, by a link of our own page, and not by a neighbour's", async () => {
    const cookie = cookieOf(web);
    const foreign = await get("/logout", cookie, { "sec-fetch-site": "same-site" });
    expect([foreign.status, await isIn(cookie)]).toEqual([303, true]);
    const own = await get("/logout", cookie, { "sec-fetch-site": "same-origin" });
    expect([own.status, own.headers.get("location"), await isIn(cookie)]).toEqual([303, "/", false]);
    const posted = await post("/logout", {}, { cookie: cookieOf(web), "sec-fetch-site": "same-origin" });
    expect(await posted.json()).toEqual({ success: true });
  });

  test("after an hour without a request, and not before", async () => {
    const cookie = cookieOf(web);
    web.clock.now += HOUR - 1;
    expect(await isIn(cookie)).toBe(true);
    web.clock.now += HOUR - 1;
    expect(await isIn(cookie)).toBe(true);
    web.clock.now += HOUR;
    expect(await isIn(cookie)).toBe(false);
  });

  test("after a week, however often it is used", async () => {
    const cookie = cookieOf(web);
    for (let minutes = 0; minutes < 168 * 60 - 30; minutes += 30) {
      web.clock.now += 30 * MINUTE;
      if (typeof web.core.logins.find(cookie.slice(7), web.clock.now) === "string")
        throw new Error("too soon");
    }
    expect(await isIn(cookie)).toBe(true);
    web.clock.now += 30 * MINUTE;
    expect(await isIn(cookie)).toBe(false);
  });

  test.for<{ name: string; change: (name: string) => void }>([
    {
      name: "his password changes",
      change: (name) => web.core.admins.change(name, { password: cheapHash("x") }),
    },
    { name: "his role changes", change: (name) => web.core.admins.change(name, { role: "viewer" }) },
    { name: "he is removed", change: (name) => web.core.admins.remove(name) },
  ])("when $name", async ({ name, change }) => {
    const admin = name.replaceAll(" ", "-");
    web.core.admins.add({ name: admin, role: "admin", password: cheapHash(PASSWORD) }, web.clock.now);
    const cookie = cookieOf(web, admin);
    expect(await isIn(cookie)).toBe(true);
    change(admin);
    expect(await isIn(cookie)).toBe(false);
  });

  test("to make room for the 51st of one admin", () => {
    const cookies = Array.from({ length: 51 }, () => cookieOf(web).slice(7));
    const found = (at: number) => web.core.logins.find(cookies.at(at) ?? "", web.clock.now);
    expect([found(0), found(1), found(50)]).toEqual([
      "unknown",
      expect.objectContaining({ name: "root" }),
      expect.objectContaining({ name: "root" }),
    ]);
  });
});

describe("tokens", () => {
  const own = () => ({ cookie: cookieOf(web), "sec-fetch-site": "same-origin" });

  test("are made, said once, listed without what they are, used and revoked", async () => {
    const made = await post("/api/v1/tokens", { name: "prometheus", scopes: ["metrics"] }, own());
    expect(made.status).toBe(201);
    const { token, row } = (await made.json()) as { token: string; row: { id: number } };
    expect(token).toMatch(/^slu_[\w-]{43}$/);
    expect(row).toMatchObject({ name: "prometheus", scopes: ["metrics"], createdBy: "root", usedAt: 0 });
    const shown = { headers: { authorization: `Bearer ${token}` } };
    expect((await fetch(`${web.origin}/api/v1/setup`, shown)).status).toBe(200);
    const list = await (await get("/api/v1/tokens", cookieOf(web))).text();
    expect(list).not.toContain(token.slice(4));
    expect(JSON.parse(list)).toMatchObject({ tokens: [{ id: row.id, usedAt: web.clock.now }] });
    const remove = () => fetch(`${web.origin}/api/v1/tokens/${row.id}`, { method: "DELETE", headers: own() });
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 404]);
    expect(web.core.tokens.find(token, web.clock.now)).toBeUndefined();
  });

  test.for<{ name: string; body: unknown }>([
    { name: "without scopes", body: { name: "x", scopes: [] } },
    { name: "of an unknown scope", body: { name: "x", scopes: ["admin"] } },
    { name: "of a scope that is no text", body: { name: "x", scopes: [{}] } },
    { name: "without a name", body: { scopes: ["read"] } },
    { name: "of a name that writes the terminal", body: { name: "\u001b[2J", scopes: ["read"] } },
    { name: "of a name that is too long", body: { name: "x".repeat(65), scopes: ["read"] } },
  ])("are not made $name", async ({ body }) => {
    expect((await post("/api/v1/tokens", body, own())).status).toBe(400);
    expect(web.core.tokens.list()).toEqual([]);
  });
});

test("without an admin nobody signs in, and all are told what to run", async () => {
  await using empty = await openTestWeb();
  for (const { name } of empty.core.admins.list()) empty.core.admins.remove(name);
  expect(await (await fetch(`${empty.origin}/api/v1/setup`)).json()).toEqual({ ready: false });
  const body = JSON.stringify({ username: "admin", password: "admin" });
  const told = await fetch(`${empty.origin}/api/v1/session`, { method: "POST", body });
  expect(told.status).toBe(401);
  expect(await told.text()).toContain("sluice admin add NAME");
  const legacy = await fetch(`${empty.origin}/login`, { method: "POST", body });
  expect(legacy.status).toBe(401);
  expect(await legacy.json()).toMatchObject({ success: false, error: expect.stringContaining("admin add") });
});
