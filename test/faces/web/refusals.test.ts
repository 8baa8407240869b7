/** Each way in that is shut: what it answers, and that it is counted and told. */

import { request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { Hono } from "hono";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { RefusalReason } from "../../../src/faces/web/http/refusals.ts";
import { needs, type WebEnv } from "../../../src/faces/web/viewer.ts";
import { until } from "../../support/until.ts";
import { cookieOf, openTestWeb, type TestWeb } from "../../support/web-face.ts";

const SECOND = 1_000;
const HOUR = 3_600_000;

/** What stands for the other parts' routes. */
const routes = new Hono<WebEnv>();
routes.get("/api/v1/thing", needs("read"), (at) => at.json({ viewer: at.get("viewer")?.name }));
routes.post("/api/v1/thing", needs("write"), async (at) => at.json({ got: (await at.req.text()).length }));

let web: TestWeb;
const attached: string[] = [];

beforeAll(async () => {
  web = await openTestWeb({
    web: { cors_origins: ["https://panel.example.com"] },
    routes: [routes],
    bounds: { headers: 150, request: 300, check: 50, certificate: 1_000 },
    attach: (socket, viewer) => {
      attached.push(viewer.name);
      socket.send("attached");
    },
  });
});

afterAll(async () => {
  await web[Symbol.asyncDispose]();
});

interface Ask {
  readonly method?: string;
  /** As it is sent: nothing tidies it. */
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

interface Told {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function ask({ method = "GET", path = "/api/v1/thing", headers = {}, body }: Ask): Promise<Told> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: "127.0.0.1", port: web.port, method, path, headers, agent: false });
    asking.on("response", (response) => {
      const { statusCode = 0, headers: got } = response;
      text(response).then((read) => resolve({ status: statusCode, headers: got, body: read }), reject);
    });
    asking.on("error", reject);
    asking.end(body);
  });
}

/** Of one address there are only so many: rows of a table shall not run into each other's limits. */
function minutesLater(): void {
  web.clock.now += 60 * SECOND;
}

const signedIn = () => ({ cookie: cookieOf(web) });
const token = (scopes: readonly ("read" | "metrics" | "write")[]) => ({
  authorization: `Bearer ${web.core.tokens.make({ name: "a token", scopes }, "root", web.clock.now).token}`,
});
const expired = () => {
  const headers = signedIn();
  web.clock.now += 2 * HOUR;
  return headers;
};
const OWN = { "sec-fetch-site": "same-origin" };

interface Row {
  readonly name: string;
  readonly ask: () => Ask;
  readonly status: number;
  readonly reason: RefusalReason;
}

test.for<Row>([
  { name: "nobody", ask: () => ({}), status: 401, reason: "no_login" },
  {
    name: "an invented cookie",
    ask: () => ({ headers: { cookie: "sluice=invented" } }),
    ...{ status: 401, reason: "unknown_login" },
  },
  {
    name: "a login that was idle too long",
    ask: () => ({ headers: expired() }),
    status: 401,
    reason: "expired_login",
  },
  {
    name: "an invented token, whatever the cookie says",
    ask: () => ({ headers: { ...signedIn(), authorization: "Bearer slu_invented" } }),
    ...{ status: 401, reason: "unknown_token" },
  },
  {
    name: "a token that was revoked",
    ask: () => {
      const headers = token(["read"]);
      for (const { id } of web.core.tokens.list()) web.core.tokens.revoke(id);
      return { headers };
    },
    ...{ status: 401, reason: "unknown_token" },
  },
  {
    name: "a token of another scope",
    ask: () => ({ headers: token(["metrics"]) }),
    ...{ status: 403, reason: "forbidden" },
  },
  {
    name: "a viewer who would write",
    ask: () => ({ method: "POST", headers: { cookie: cookieOf(web, "guest"), ...OWN } }),
    ...{ status: 403, reason: "forbidden" },
  },
  {
    name: "a viewer who would make a token",
    ask: () => ({
      method: "POST",
      path: "/api/v1/tokens",
      headers: { cookie: cookieOf(web, "guest"), ...OWN },
    }),
    ...{ status: 403, reason: "forbidden" },
  },
  {
    name: "a token that would make a token",
    ask: () => ({ method: "POST", path: "/api/v1/tokens", headers: token(["read", "write"]), body: "{}" }),
    ...{ status: 403, reason: "forbidden" },
  },
  {
    name: "a stolen cookie from another site's page",
    ask: () => ({
      method: "POST",
      headers: { ...signedIn(), "sec-fetch-site": "cross-site", origin: web.origin },
    }),
    ...{ status: 403, reason: "foreign_origin" },
  },
  {
    name: "a stolen cookie from a neighbour's page",
    ask: () => ({ method: "POST", headers: { ...signedIn(), "sec-fetch-site": "same-site" } }),
    ...{ status: 403, reason: "foreign_origin" },
  },
  {
    name: "a stolen cookie from another origin, in a browser that says no more",
    ask: () => ({ method: "POST", headers: { ...signedIn(), origin: "https://evil.example" } }),
    ...{ status: 403, reason: "foreign_origin" },
  },
  {
    name: "a stolen cookie from another port of this host",
    ask: () => ({ method: "POST", headers: { ...signedIn(), origin: "http://127.0.0.1:1" } }),
    ...{ status: 403, reason: "foreign_origin" },
  },
  {
    name: "a cookie from a page without origin",
    ask: () => ({ method: "POST", headers: { ...signedIn(), origin: "null" } }),
    ...{ status: 403, reason: "foreign_origin" },
  },
  {
    name: "a cookie that says nothing of where it comes from",
    ask: () => ({ method: "POST", headers: signedIn() }),
    ...{ status: 403, reason: "foreign_origin" },
  },
  {
    name: "a cookie from an origin that may read with a token",
    ask: () => ({
      method: "DELETE",
      path: "/api/v1/session",
      headers: { ...signedIn(), origin: "https://panel.example.com" },
    }),
    ...{ status: 403, reason: "foreign_origin" },
  },
  {
    name: "a sign-in that another origin's page sends",
    ask: () => ({ method: "POST", path: "/login", headers: { origin: "https://evil.example" }, body: "{}" }),
    ...{ status: 403, reason: "foreign_origin" },
  },
  {
    name: "another's name that leads to loopback",
    ask: () => ({ headers: { host: "evil.example:8787" } }),
    ...{ status: 421, reason: "foreign_host" },
  },
  {
    name: "a sign-in's body that is too large",
    ask: () => ({ method: "POST", path: "/api/v1/session", body: "x".repeat(4_097) }),
    ...{ status: 413, reason: "large_body" },
  },
  {
    name: "a body that is too large",
    ask: () => ({ method: "POST", headers: token(["write"]), body: "x".repeat(65_537) }),
    ...{ status: 413, reason: "large_body" },
  },
  {
    name: "a body that is too large, and does not say how large",
    ask: () => ({
      method: "POST",
      headers: { ...token(["write"]), "transfer-encoding": "chunked" },
      body: "x".repeat(65_537),
    }),
    ...{ status: 413, reason: "large_body" },
  },
  {
    name: "headers that are too large",
    ask: () => ({ headers: { "x-long": "x".repeat(9_000) } }),
    ...{ status: 431, reason: "large_headers" },
  },
  ...[
    "/../etc/passwd",
    "/assets/../../etc/passwd",
    "/assets/%2e%2e/%2e%2e/etc/passwd",
    "/assets/..%2f..%2fetc%2fpasswd",
    "/assets/%252e%252e/x",
    "/assets/..%5cx",
    "/assets/..\\x",
    "/assets/./x",
    "/assets/x%00.js",
    "/assets/x%0d%0aSet-Cookie:x",
    "/assets/%ff",
    "/assets/%zz",
    "//etc/passwd",
    "/%2e%2e",
    "/api/v1/../../x",
    `/${"x".repeat(2_048)}`,
  ].map(
    (path): Row => ({
      name: `the path ${path.slice(0, 40)}`,
      ask: () => ({ path, headers: signedIn() }),
      ...{ status: 400, reason: "bad_path" },
    }),
  ),
])("$name is refused as $reason", async ({ ask: make, status, reason }) => {
  minutesLater();
  const question = make();
  const before = web.core.refusals.counts.get(reason) ?? 0;
  const told = await ask(question);
  expect(told).toMatchObject({ status });
  expect(web.core.refusals.counts.get(reason)).toBe(before + 1);
  await web.core.trail.flush();
  expect(web.audited.pop()).toMatchObject({ kind: "web-refused", count: 1 });
});

test.for<{ name: string; ask: () => Ask }>([
  { name: "a login that reads", ask: () => ({ headers: signedIn() }) },
  {
    name: "a login whose page says that it is ours",
    ask: () => ({ method: "POST", headers: { ...signedIn(), ...OWN } }),
  },
  {
    name: "a login from our origin, in an older browser",
    ask: () => ({ method: "POST", headers: { ...signedIn(), origin: web.origin } }),
  },
  { name: "a token without an origin", ask: () => ({ method: "POST", headers: token(["write"]) }) },
  {
    name: "a token from another origin",
    ask: () => ({ method: "POST", headers: { ...token(["write"]), origin: "https://panel.example.com" } }),
  },
  { name: "a name of loopback", ask: () => ({ headers: { ...signedIn(), host: "localhost:1" } }) },
  {
    name: "the largest body",
    ask: () => ({ method: "POST", headers: token(["write"]), body: "x".repeat(65_536) }),
  },
  {
    name: "the largest body in pieces",
    ask: () => ({
      method: "POST",
      headers: { ...token(["write"]), "transfer-encoding": "chunked" },
      body: "x".repeat(65_536),
    }),
  },
])("but not $name", async ({ ask: make }) => {
  minutesLater();
  const told = await ask(make());
  expect(told.status).toBe(200);
});

test.for([
  { name: "headers that never end", sent: "GET / HTTP/1.1\r\nHost: localhost\r\n" },
  {
    name: "a body that never ends",
    sent: "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
  },
  {
    name: "a body in pieces that never ends",
    sent: "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
  },
])("$name: 408, and counted as slow", async ({ sent }) => {
  minutesLater();
  const before = web.core.refusals.counts.get("slow") ?? 0;
  expect(await answerTo(sent)).toMatch(/^HTTP\/1\.1 408 /);
  expect(web.core.refusals.counts.get("slow")).toBe(before + 1);
  expect(web.logged).toEqual([]);
});

test("what is no HTTP is answered 400 and counted", async () => {
  const before = web.core.refusals.counts.get("bad_request") ?? 0;
  expect(await answerTo("\x16\x03\x01\x02\x00\x01\x00")).toMatch(/^HTTP\/1\.1 400 /);
  expect(web.core.refusals.counts.get("bad_request")).toBe(before + 1);
});

test("who asks too often waits, and is told how long; a login is not held up by strangers of his address", async () => {
  minutesLater();
  const mine = signedIn();
  const before = web.core.refusals.counts.get("too_many_requests") ?? 0;
  const told = await Promise.all(Array.from({ length: 110 }, () => ask({ path: "/api/v1/setup" })));
  const refused = told.filter(({ status }) => status === 429);
  expect(refused).toHaveLength(10);
  expect(refused[0]?.headers).toMatchObject({ "retry-after": "1" });
  expect(web.core.refusals.counts.get("too_many_requests")).toBe(before + 10);
  expect(await ask({ headers: mine })).toMatchObject({ status: 200 });
});

test("a login or token that asks too often waits alone", async () => {
  const busy = token(["read"]);
  const told = await Promise.all(Array.from({ length: 202 }, () => ask({ headers: busy })));
  expect(told.filter(({ status }) => status === 429)).toHaveLength(2);
  expect(await ask({ headers: token(["read"]) })).toMatchObject({ status: 200 });
});

test.for<{ name: string; headers: () => Record<string, string>; path?: string; status: number }>([
  { name: "of nobody", headers: () => ({ origin: web.origin }), status: 401 },
  {
    name: "by a stolen cookie",
    headers: () => ({ ...signedIn(), origin: "https://evil.example" }),
    status: 403,
  },
  { name: "by a cookie without an origin", headers: () => signedIn(), status: 403 },
  {
    name: "by a cookie whose browser says cross-site",
    headers: () => ({ ...signedIn(), origin: web.origin, "sec-fetch-site": "cross-site" }),
    status: 403,
  },
  { name: "by a token of another scope", headers: () => token(["metrics"]), status: 403 },
  { name: "at another path", headers: () => token(["read"]), path: "/api/v1/thing", status: 404 },
  { name: "by another's name", headers: () => ({ ...signedIn(), host: "evil.example" }), status: 421 },
])("the live socket $name is refused with $status", async ({ headers, path, status }) => {
  minutesLater();
  const total = sum(web.core.refusals.counts.values());
  expect(await upgrade(path ?? "/api/v1/live", headers())).toBe(String(status));
  expect(sum(web.core.refusals.counts.values())).toBe(total + 1);
});

test.for<{ name: string; headers: () => Record<string, string> }>([
  { name: "a cookie and our origin", headers: () => ({ ...signedIn(), origin: web.origin }) },
  { name: "a token", headers: () => token(["read"]) },
])("the live socket opens for $name", async ({ headers }) => {
  minutesLater();
  expect(await upgrade("/api/v1/live", headers())).toBe("attached");
});

test("a login that is ended is told to the live view; one that lasts is not", () => {
  const key = (cookie: string) => web.core.identities.of({ cookie }, false);
  const identity = key(cookieOf(web));
  if (identity.kind !== "login") throw new Error("Cannot sign in");
  expect(web.core.stillMay(identity.viewer)).toBe(true);
  web.core.logins.endAll(identity.login.id);
  expect(web.core.stillMay(identity.viewer)).toBe(false);
});

function sum(values: Iterable<number>): number {
  return [...values].reduce((total, value) => total + value, 0);
}

/** Everything that is answered until the server hangs up. */
async function answerTo(sent: string): Promise<string> {
  const socket = connect(web.port, "127.0.0.1");
  let got = "";
  let ended = false;
  socket.on("data", (part) => {
    got += String(part);
  });
  socket.on("close", () => {
    ended = true;
  });
  socket.on("error", () => {});
  socket.write(sent, "latin1");
  await until("the server hangs up", () => ended);
  return got;
}

/** The first message, or the status of the refusal. */
function upgrade(path: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${web.port}${path}`, { headers });
    socket.on("message", (message: Buffer) => {
      resolve(message.toString());
      socket.terminate();
    });
    socket.on("unexpected-response", (_, response) => {
      resolve(String(response.statusCode));
      socket.terminate();
    });
    socket.on("error", reject);
  });
}
