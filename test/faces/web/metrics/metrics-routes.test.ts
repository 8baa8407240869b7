/** /metrics, /healthz and /readyz over real HTTP: who a peer is, only a socket tells. */
import { once } from "node:events";
import { serve } from "@hono/node-server";
import { getConnInfo } from "@hono/node-server/conninfo";
import { Hono } from "hono";
import { describe, expect, onTestFinished, test } from "vitest";
import { AnswerCounts } from "../../../../src/faces/web/metrics/answer-counts.ts";
import { metricsRoutes } from "../../../../src/faces/web/metrics/metrics-routes.ts";
import type { Viewer, WebEnv } from "../../../../src/faces/web/viewer.ts";
import { ADMIN, openHub } from "../live/opened-hub.ts";
import { CAPTURE, readExposition, SERVERS, STATUS } from "./scraped.ts";

const token = (...scopes: NonNullable<Viewer["scopes"]>): Viewer => ({
  name: "prom",
  role: "viewer",
  scopes,
  key: "token:1",
});

async function served(parts: { viewer?: Viewer; metricsUsers?: boolean; host?: string } = {}) {
  const { hub, goAway, look, clock } = await openHub();
  const daemon = { away: false, status: STATUS };
  const answer = async <Answer>(what: Answer) => {
    if (daemon.away) throw new Error("away");
    return what;
  };
  const answers = new AnswerCounts();
  const app = new Hono<WebEnv>()
    .use(answers.middleware)
    .use(async (context, next) => {
      context.set("viewer", parts.viewer);
      context.set("address", getConnInfo(context).remote.address ?? "");
      await next();
    })
    .route(
      "/",
      metricsRoutes({
        desk: {
          status: () => answer(daemon.status),
          openvpnServers: () => answer(SERVERS),
          openvpnLogins: () => answer([]),
          sshLogins: () => answer([]),
        },
        ...{ hub, capture: { status: () => answer(CAPTURE) }, node: "vps-1", now: () => clock.unix() },
        ...{
          refusals: new Map([["no_login", 1]]),
          answers: answers.counts,
          metricsUsers: parts.metricsUsers ?? false,
        },
      }),
    );
  const server = serve({ fetch: app.fetch, port: 0, hostname: parts.host ?? "127.0.0.1" });
  onTestFinished(() => void server.close());
  if (!server.listening) await once(server, "listening");
  const { port } = server.address() as { port: number };
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const got = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { connection: "close", ...headers },
    });
    return { status: got.status, type: got.headers.get("content-type"), text: await got.text() };
  };
  return { get, daemon, goAway, look, clock };
}

describe("GET /metrics", () => {
  test("is in the format that is asked for", async () => {
    const { get } = await served();
    const plain = await get("/metrics");
    expect(plain).toMatchObject({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8" });
    const open = await get("/metrics", {
      accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
    });
    expect(open).toMatchObject({
      status: 200,
      type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
    });
    expect(open.text.endsWith("# EOF\n")).toBe(true);
    const series = (text: string) =>
      [...readExposition(text).keys()].filter((each) => !each.startsWith("process_"));
    expect(series(open.text)).toEqual(series(plain.text));
    expect(readExposition(plain.text).get('sluice_up{node="vps-1"}')).toBe(1);
  });

  test.each([
    ["a program on this host", undefined, {}, 200],
    ["a program on this host through a proxy", undefined, { "x-forwarded-for": "203.0.113.5" }, 401],
    ["one whose proxy says so otherwise", undefined, { forwarded: "for=203.0.113.5" }, 401],
    ["a token for it, through a proxy", token("metrics"), { "x-forwarded-for": "203.0.113.5" }, 200],
    ["a token for reading", token("read"), {}, 200],
    ["a token for something else", token("write"), {}, 403],
    ["an admin", ADMIN, { "x-forwarded-for": "203.0.113.5" }, 200],
  ] as const)("for %s", async (_, viewer, headers, status) => {
    const { get } = await served(viewer ? { viewer } : {});
    expect(await get("/metrics", headers)).toMatchObject({ status });
  });

  test.each([
    ["a token where the setting lets them", { metricsUsers: true, viewer: token("metrics") }, true],
    ["a token where it does not", { metricsUsers: false, viewer: token("metrics") }, false],
    ["a program without one", { metricsUsers: true }, false],
  ] as const)("names users to %s", async (_, parts, named) => {
    const { get } = await served(parts);
    expect((await get("/metrics")).text.includes('user="joe"')).toBe(named);
  });

  test("counts up, and says nothing of users while the daemon is away: no zeros", async () => {
    const { get, daemon, goAway, look, clock } = await served();
    const uplink = async () =>
      readExposition((await get("/metrics")).text).get('sluice_user_uplink_bytes_total{node="vps-1"}');
    expect(await uplink()).toBe(0);
    look("e", { joe: [700, 0] });
    await clock.advance(2_000);
    expect(await uplink()).toBe(700);
    daemon.away = true;
    goAway();
    await clock.advance(2_000);
    const { status, text } = await get("/metrics");
    expect(status).toBe(200);
    const names = [...readExposition(text).keys()];
    expect(readExposition(text).get('sluice_up{node="vps-1"}')).toBe(0);
    expect(names.filter((series) => /^sluice_(?:user|accounts|source|openvpn|tick)/.test(series))).toEqual(
      [],
    );
  });
});

test("GET /healthz answers anybody, and tells nothing", async () => {
  const { get, daemon } = await served();
  daemon.away = true;
  expect(await get("/healthz", { "x-forwarded-for": "203.0.113.5" })).toMatchObject({
    status: 200,
    text: '{"ok":true}',
  });
});

describe("GET /readyz", () => {
  test("says whether the daemon works, and more only to who is signed in", async () => {
    const { get, daemon, clock } = await served();
    clock.setUnix(STATUS.sources[0]?.lastLookMs ?? 0);
    expect(await get("/readyz")).toMatchObject({ status: 200, text: '{"ready":true}' });
    daemon.away = true;
    await clock.advance(1_000);
    expect(await get("/readyz")).toMatchObject({ status: 503, text: '{"ready":false}' });
    const known = await served({ viewer: ADMIN });
    expect(JSON.parse((await known.get("/readyz")).text)).toMatchObject({
      ...{ daemon: { answering: true }, capture: { answering: true } },
      sources: [{ name: "xray", ageMs: expect.any(Number) }],
    });
  });
});
