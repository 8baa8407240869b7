/**
 * The API before a real daemon in this process, whose engine is the demo's, and a
 * real history. What no part of this machine could tell (OpenVPN and SSH logins,
 * captured hosts, places) is told by the stage.
 */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { systemClock } from "../../../../src/clock.ts";
import { parseSettings } from "../../../../src/config.ts";
import type { FindingsReply, SettingChange, UserRow, WebDesk } from "../../../../src/control/rows.ts";
import { startDemoEngine } from "../../../../src/demo/engine.ts";
import { RefusedRequestError, UnreachableError } from "../../../../src/errors.ts";
import { apiRoutes } from "../../../../src/faces/web/api/routes.ts";
import type { ApiSources, Whereabouts } from "../../../../src/faces/web/api/sources.ts";
import type { Viewer, WebEnv } from "../../../../src/faces/web/viewer.ts";
import type { LiveMessage, Overview } from "../../../../src/faces/web/wire.ts";
import { HistoryReader } from "../../../../src/history/queries.ts";
import { HISTORY } from "../../../../src/history/schema.ts";
import { HistoryWriter } from "../../../../src/history/writer.ts";
import type { HostRow } from "../../../../src/hosts/capture-desk.ts";
import { type Hostname, parseHostname } from "../../../../src/hosts/hostname.ts";
import { Db } from "../../../../src/sqlite.ts";
import { bytes } from "../../../../src/units.ts";
import { startFaultOffice } from "../../../support/fault-office.ts";
import { batchOf } from "../../../support/history.ts";
import { until } from "../../../support/until.ts";

export type Who = "admin" | "viewer" | "reader" | "writer" | "nobody";

const VIEWERS: Readonly<Record<Who, Viewer | undefined>> = {
  admin: { name: "root", role: "admin", scopes: undefined, key: "login:1" },
  viewer: { name: "guest", role: "viewer", scopes: undefined, key: "login:2" },
  reader: { name: "panel", role: "viewer", scopes: ["read"], key: "token:1" },
  writer: { name: "shop".padEnd(64, "p"), role: "admin", scopes: ["read", "write"], key: "token:2" },
  nobody: undefined,
};

/** Saturday afternoon, UTC. */
export const NOW = Date.UTC(2026, 10, 21, 14, 3, 7);
const MINUTE = 60_000;
export const NASTY = [
  "a b",
  "é",
  "x>>>y",
  "-rf",
  "$(id)",
  ".hidden",
  "%2e%2e",
  "a/b",
  "../../etc/passwd",
  "علی",
];

export interface Stage extends AsyncDisposable {
  readonly sources: ApiSources;
  readonly routes: Hono<WebEnv>;
  /** Who gave the orders that the daemon took, in order. */
  readonly orders: readonly string[];
  /** What is away: every question to it fails as it does over its socket. */
  readonly away: { daemon: boolean; capture: boolean; history: boolean };
  ask(who: Who, path: string, init?: RequestInit): Promise<Response>;
  /** A write with a body. */
  send(who: Who, method: string, path: string, body?: unknown): Promise<Response>;
}

const LOGIN = {
  ...{ server: "server", user: "alice", commonName: "alice", clientId: 7, realAddress: "203.0.113.7:49890" },
  ...{ addresses: ["10.8.0.2", "fd00::2"], subnets: [], sinceMs: NOW - 52_000 },
  ...{ uplinkBytes: 3 * 1024 ** 2, downlinkBytes: 5 * 1024 ** 3, denied: false },
};
const SERVER = {
  ...{
    name: "server",
    from: "management" as const,
    answering: true,
    trouble: "",
    pid: process.pid,
    version: "OpenVPN 2.6.14",
  },
  ...{
    dco: false,
    logins: 1,
    pending: 0,
    lastLookMs: NOW,
    periodMs: 1_000,
    gated: true,
    hooked: true,
    notes: [],
  },
} as const;
const SSH_LOGIN = {
  ...{ account: "joe", daemon: "sshd" as const, pid: 42, address: "2001:db8:1:2::3", port: 22_000 },
  ...{ sinceMs: NOW - MINUTE, denied: false },
} as const;
const HOSTS: readonly HostRow[] = ["old.example.com", "new.example.com"].map((name, index) => ({
  host: parseHostname(name) as Hostname,
  ...{ service: index === 0 ? "HTTP" : "TLS", source: "203.0.113.7", time: `2026-11-21 1${index}:00:00` },
  ...{ lastSeenMs: NOW, count: 1, services: ["TLS"], ech: false },
}));
const PLACES: Readonly<Record<string, Whereabouts | "private">> = {
  "203.0.113.7": { country: "IR", city: "Tehran", latitude: 35.7, longitude: 51.4 },
  "203.0.113.8": { country: "IR", city: "", latitude: 32, longitude: 53 },
  "192.168.1.1": "private",
};

/** @param web the settings of that name. */
export async function openStage(web: object = {}): Promise<Stage> {
  await using parts = new AsyncDisposableStack();
  const folder = parts.adopt(await mkdtempDisposable(join(tmpdir(), "sluice-api-")), (it) => it.remove());
  const users = ["alice", "bob", ...NASTY].map((email) => ({ email, inbound: "in" }));
  const engine = parts.use(await startDemoEngine({ address: "127.0.0.1:0", clock: systemClock, users }));
  const xray = {
    name: "xray",
    api: engine.target,
    config: null,
    access_log: null,
    service: null,
    gates: "off",
  };
  const office = parts.use(
    await startFaultOffice({
      folder: folder.path,
      settings: { xray, openvpn: null, hosts: null, history: null, connections: null, web: null },
    }),
  );
  await until("everybody is known", async () => (await office.desk.listUsers("")).length === users.length);
  const historyPath = join(folder.path, "history.db");
  await fillHistory(historyPath);
  // What was moved before the first look is nobody's.
  engine.add("alice", { uplink: bytes(100), downlink: bytes(900) });
  await office.booked("alice", 100, 900);

  const orders: string[] = [];
  let rows: ReadonlyMap<string, UserRow> = new Map();
  const away = { daemon: false, capture: false, history: false };
  const settings = parseSettings("the test's settings", { time_zone: "UTC", web }, {}, "UTC");
  const sources: ApiSources = {
    desk: orderedDesk(office.desk, orders, away),
    history: () => (away.history ? undefined : HistoryReader.open(historyPath)),
    hub: {
      heard: async () => {
        if (away.daemon) return false;
        rows = new Map((await office.desk.listUsers("")).map((row) => [row.name, row]));
        return true;
      },
      users: () => rows,
      view: async () =>
        away.daemon ? { type: "trouble", at: NOW, text: "The daemon does not answer" } : OVERVIEW,
    },
    capture: {
      rows: async function* (account) {
        if (away.capture) throw new UnreachableError("No capture runs");
        if (account !== undefined) throw new RefusedRequestError("They are not kept by account");
        yield* HOSTS;
      },
    },
    places: {
      ready: async () => undefined,
      placeOf: (address) => PLACES[address],
      database: () => ({
        ...{ name: "DBIP-Country-Lite", builtAt: NOW, trouble: "" },
        attribution: { text: "IP Geolocation by DB-IP", url: "https://db-ip.com" },
      }),
    },
    settings,
    now: () => NOW,
  };
  const { routes, ...asking } = apiOver(sources);
  const resources = parts.move();
  return {
    ...{ sources, routes, orders, away, ...asking },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** As the server has it, but for who asks, which a header says. */
export function apiOver(sources: ApiSources): Pick<Stage, "routes" | "ask" | "send"> {
  const routes = apiRoutes(sources);
  const app = new Hono<WebEnv>();
  app.use(async (context, next) => {
    context.set("viewer", VIEWERS[(context.req.header("x-who") ?? "nobody") as Who]);
    context.set("address", "127.0.0.1");
    await next();
  });
  app.route("/", routes);
  const ask: Stage["ask"] = async (who, path, init = {}) =>
    app.request(path, { ...init, headers: { "x-who": who } });
  return {
    ...{ routes, ask },
    send: (who, method, path, body) =>
      ask(who, path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
  };
}

/** The daemon's own desk, with what the web's socket adds to it. */
function orderedDesk(
  desk: Awaited<ReturnType<typeof startFaultOffice>>["desk"],
  orders: string[],
  away: Stage["away"],
): WebDesk {
  const settings = new Map([["warn_percent", "[80,95]"]]);
  const findings: FindingsReply = { json: "", atMs: 0, trouble: "" };
  const rows = () =>
    [...settings].map(([key, value]) => ({
      key,
      about: "When to warn, in percent",
      value,
      fallback: "[80]",
    }));
  const asked = <Answer>(answer: () => Promise<Answer>, by?: string): Promise<Answer> => {
    if (away.daemon) return Promise.reject(new UnreachableError("Cannot ask the daemon"));
    if (by !== undefined) orders.push(by);
    return answer();
  };
  return {
    status: () => asked(() => desk.status()),
    listUsers: (name) => asked(() => desk.listUsers(name)),
    setLimit: (request, by) => asked(() => desk.setLimit(request, by), by),
    reset: (names, by) => asked(() => desk.reset(names, by), by),
    setDisabled: (name, disabled, by) => asked(() => desk.setDisabled(name, disabled, by), by),
    delete: (name, keepLogin, by) => asked(() => desk.delete(name, keepLogin, by), by),
    watch: (request, signal) => desk.watch(request, signal),
    openvpnServers: () => asked(async () => [SERVER]),
    openvpnLogins: () => asked(async () => [LOGIN]),
    openvpnKick: (name, by) => asked(() => desk.openvpnKick(name, by), by),
    sshLogins: () => asked(async () => [SSH_LOGIN]),
    audit: () => asked(async () => undefined),
    settings: () => asked(async () => rows()),
    changeSettings: (changes: readonly SettingChange[], by) =>
      asked(async () => {
        const unknown = changes.find(({ key }) => !settings.has(key));
        if (unknown) throw new RefusedRequestError(`Expected warn_percent, got ${unknown.key}`);
        for (const { key, value } of changes) settings.set(key, value);
        return rows();
      }, by),
    findings: (anew) => asked(async () => (anew ? { json: "{}", atMs: NOW, trouble: "" } : findings)),
  };
}

async function fillHistory(path: string): Promise<void> {
  using db = Db.openToWrite(path, HISTORY);
  const writer = new HistoryWriter(db);
  const day = "2026-11-21";
  const usage = (account: string, at: number) => ({ account, service: "xray", at, day, up: 10, down: 100 });
  const login = (id: string, service: string, keeper: string, ended: number | undefined) => ({
    ...{ id, account: "alice", service, keeper, began: NOW - 60 * MINUTE, ended, exact: true },
    ...{
      realAddress: "203.0.113.7:4000",
      address4: "10.8.0.2",
      address6: "",
      up: 1_048_576,
      down: 2_097_152,
    },
  });
  writer.write(
    {
      ...batchOf({
        usage: [usage("alice", NOW - 30 * MINUTE), usage("bob", NOW - 30 * MINUTE)],
        logins: [
          login("openvpn:alice:1", "openvpn", "openvpn:server", NOW - 50 * MINUTE),
          login("openvpn:alice:2", "openvpn", "openvpn:server", undefined),
          login("ssh:alice:1", "ssh", "sshd", NOW - 55 * MINUTE),
        ],
        events: [
          { at: NOW - MINUTE, kind: "web-signed-in", user: "", text: "root signed in from 203.0.113.7" },
          { at: NOW - 3 * MINUTE, kind: "web-sign-in-failed", user: "", text: "Refused: hunter2 typed" },
          { at: NOW - 2 * MINUTE, kind: "cut", user: "alice", text: "alice is cut" },
        ],
      }),
      sequence: 1,
    },
    NOW / 1000,
  );
  const seen = (address: string, open: number) => ({ address, service: "xray", open, begun: open });
  const clients = [
    seen("203.0.113.7", 3),
    seen("203.0.113.8", 1),
    seen("192.168.1.1", 1),
    seen("8.8.8.8", 2),
  ];
  writer.seenConnections(clients, NOW / 1000 - 4_000);
  writer.seenConnections(clients, NOW / 1000 - 10);
}

const OVERVIEW: LiveMessage = {
  ...{ type: "overview", at: NOW },
  overview: {
    ...{ connected: true, heardAt: NOW, mode: "enforce", accounts: 1 },
    states: { ok: 1, warning: 0, limited: 0, disabled: 0, unlimited: 0 },
    ...{
      dailyUplink: 1,
      dailyDownlink: 2,
      totalUplink: 3,
      totalDownlink: 4,
      uplinkRate: 0.5,
      downlinkRate: 6,
    },
    near: [["alice", "ok", ["xray"], 90, 100, 0, 0, 0, 0, NOW]],
    ...{ busiest: [], sources: [], saveTrouble: "" },
    tick: { tickMs: 10, longestLagMs: 0.25, skippedTicks: 0, failures: 0 },
  } satisfies Overview,
};
