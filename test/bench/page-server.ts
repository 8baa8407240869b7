/**
 * Serves the built page, as `sluice web` does, with the compressed files and the
 * policy, and answers it for ten thousand made-up accounts: what the page costs
 * is then the page's own.
 */
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { WebSocketServer } from "ws";
import type { UserRow, UserState } from "../../src/control/rows.ts";
import type {
  AccountTuple,
  LiveMessage,
  Overview,
  SessionBody,
  UsageBody,
} from "../../src/faces/web/wire.ts";

export interface PageServer extends AsyncDisposable {
  readonly url: string;
  /** Bytes of the page's own files that left so far. */
  sentFiles(): number;
}

const PAGE = join(import.meta.dirname, "../../dist/page");
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};
const STATES: readonly UserState[] = ["ok", "ok", "ok", "warning", "limited", "disabled", "unlimited"];
const GB = 1024 ** 3;

/** @param moving of the accounts, how many change with each second's message. */
export async function startPageServer(accounts: number, moving: number): Promise<PageServer> {
  let sent = 0;
  const began = Date.now();
  const turn = (): number => Math.floor((Date.now() - began) / 1000);
  const rows = (): AccountTuple[] => Array.from({ length: accounts }, (_, index) => accountAt(index, turn()));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://page");
    response.setHeader("content-security-policy", POLICY);
    if (pathname.startsWith("/api/v1/")) {
      const body = bodyOf(pathname.slice("/api/v1/".length), searchParams, rows());
      response.statusCode = body === undefined ? 404 : 200;
      const text = JSON.stringify(body ?? { error: { code: "not_found", message: `Not here: ${pathname}` } });
      response.setHeader("content-type", "application/json").end(text);
      return;
    }
    const file = pathname === "/" ? "/index.html" : pathname;
    const content = await readFile(join(PAGE, `${file}.br`)).catch(() => undefined);
    response.statusCode = content ? 200 : 404;
    sent += content?.length ?? 0;
    response.setHeader("content-type", TYPES[extname(file)] ?? "text/plain");
    response.setHeader("content-encoding", "br").end(content);
  };
  const server = createServer((request, response) => void answer(request, response));
  const sockets = new WebSocketServer({ server, path: "/api/v1/live", perMessageDeflate: false });
  sockets.on("connection", (socket) => {
    let timer: NodeJS.Timeout | undefined;
    const tell = (message: LiveMessage): void => socket.send(JSON.stringify(message));
    socket.on("close", () => clearInterval(timer));
    socket.on("message", (data: Buffer) => {
      const { view, name = "" } = JSON.parse(data.toString()) as { view: string; name?: string };
      clearInterval(timer);
      const next = (full: boolean): void => {
        const at = Date.now();
        if (view === "overview") tell({ type: "overview", at, overview: overviewOf(rows(), at) });
        if (view === "account")
          tell({ type: "account", at, account: userRow(accountAt(indexOf(name), turn())) });
        if (view === "hosts") tell({ type: "hosts", at, full, total: 0, hosts: [], gone: [] });
        if (view === "accounts") {
          tell({ type: "accounts", at, full, rows: full ? rows() : rows().slice(0, moving), gone: [] });
        }
      };
      next(true);
      timer = setInterval(() => next(false), view === "account" ? 100 : 1_000);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    sentFiles: () => sent,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function indexOf(name: string): number {
  return Number(/\d+/.exec(name)?.[0] ?? 0);
}

function accountAt(index: number, turn: number): AccountTuple {
  const state = STATES[index % STATES.length] ?? "ok";
  const limit = state === "unlimited" ? 0 : 10 * GB;
  const share = { ok: 0.3, warning: 0.9, limited: 1, disabled: 0.5, unlimited: 0 }[state];
  const used = Math.round(limit * share) + ((index * 7919 + turn) % 1000) * 1024 ** 2;
  const rate = state === "ok" ? ((index * 31 + turn * 17) % 500) * 1024 : 0;
  const service = (["xray", "ssh", "openvpn"] as const)[index % 3] ?? "xray";
  const name = index === 3 ? "کاربر-3" : `user${String(index).padStart(5, "0")}`;
  return [name, state, [service], used, limit, Math.floor(used / 8), 0, rate / 4, rate, Date.now()];
}

function userRow(row: AccountTuple): UserRow {
  const [name, state, services, total, totalLimit, daily, dailyLimit, uplinkRate, downlinkRate, updatedMs] =
    row;
  const [up, down] = [Math.floor(total / 5), total - Math.floor(total / 5)];
  const [dailyUp, dailyDown] = [Math.floor(daily / 5), daily - Math.floor(daily / 5)];
  return {
    ...{ name, state, services, uplinkRate, downlinkRate, updatedMs },
    ...{
      gate: state === "limited" ? "shut" : "open",
      protocols: ["vless"],
      enrolled: [],
      unreportedBytes: 0,
    },
    ...{ dailyBytes: daily, totalBytes: total, dailyLimitBytes: dailyLimit, totalLimitBytes: totalLimit },
    remainingBytes: totalLimit === 0 ? -1 : Math.max(0, totalLimit - total),
    ...{
      dailyUplinkBytes: dailyUp,
      dailyDownlinkBytes: dailyDown,
      totalUplinkBytes: up,
      totalDownlinkBytes: down,
    },
    ...{ lifetimeUplinkBytes: up * 3, lifetimeDownlinkBytes: down * 3 },
    ...{ period: "monthly", day: "2026-11-22", periodStart: "2026-11-01" },
    stops: [{ keeper: "xray", step: "gate", text: "The kernel shuts his gate at the byte" }],
  };
}

function overviewOf(rows: readonly AccountTuple[], at: number): Overview {
  const count = (state: UserState): number => rows.filter((row) => row[1] === state).length;
  const sum = (column: 3 | 5 | 7 | 8): number => rows.reduce((all, row) => all + row[column], 0);
  return {
    ...{ connected: true, heardAt: at, mode: "enforce", accounts: rows.length, saveTrouble: "" },
    states: {
      ...{ ok: count("ok"), warning: count("warning"), limited: count("limited") },
      ...{ disabled: count("disabled"), unlimited: count("unlimited") },
    },
    ...{ dailyUplink: sum(5), dailyDownlink: sum(5) * 4, totalUplink: sum(3), totalDownlink: sum(3) * 4 },
    ...{ uplinkRate: sum(7), downlinkRate: sum(8) },
    near: rows.filter((row) => row[1] === "limited" || row[1] === "warning").slice(0, 20),
    busiest: rows.filter((row) => row[8] > 0).slice(0, 10),
    sources: [
      { ...SOURCE, name: "xray", lastLookMs: at },
      {
        ...SOURCE,
        name: "openvpn:server",
        lastLookMs: at - 60_000,
        answering: false,
        trouble: "Cannot connect",
      },
    ],
    tick: { tickMs: 10, longestLagMs: 3.2, skippedTicks: 0, failures: 0 },
  };
}

const SOURCE = { answering: true, trouble: "", periodMs: 10, close: 0, notes: [] };

function bodyOf(path: string, query: URLSearchParams, rows: readonly AccountTuple[]): unknown {
  const [what = "", name = "", part = ""] = path.split("/").map(decodeURIComponent);
  if (what === "session") return SESSION;
  if (what === "setup") return { ready: true };
  if (part === "usage" || what === "usage") return usage();
  if (what === "accounts") return { account: userRow(rows[indexOf(name)] ?? accountAt(0, 0)) };
  if (what === "events") {
    const at = Date.now() - 3_600_000;
    return {
      events: [{ at, kind: "cut", user: query.get("user") ?? "", text: "Cut at 10.00 GB of 10.00 GB" }],
    };
  }
  if (what === "sessions") return { sessions: [], servers: [] };
  if (what === "hosts") return { hosts: [], total: 0, trouble: "" };
  if (what === "settings") return { settings: SETTINGS };
  if (what === "tokens") return { tokens: [TOKEN] };
  return undefined;
}

const SESSION: SessionBody = {
  ...{ name: "admin", role: "admin", expiresAt: Date.now() + 86_400_000, version: "0.1.0" },
  ...{ timeZone: "Europe/Berlin", mayDelete: true },
};
const TOKEN = {
  id: 1,
  name: "prometheus",
  scopes: ["metrics"],
  createdAt: Date.now(),
  createdBy: "admin",
  usedAt: 0,
};
const SETTINGS = [
  {
    key: "warn_percent",
    about: "From how many percent on an account is near its limit, 1 to 99.",
    value: "80",
    fallback: "80",
  },
  { key: "history.minutes_days", about: "How many days minutes are kept.", value: "14", fallback: "30" },
  { key: "mode", about: '"enforce", or "observe" to cut nobody.', value: '"enforce"', fallback: '"enforce"' },
];

function usage(): UsageBody {
  const step = 300_000;
  const newest = Math.floor(Date.now() / step) * step;
  const at = Array.from({ length: 288 }, (_, index) => newest - (287 - index) * step);
  const wave = (index: number, by: number): number =>
    Math.round((1 + Math.sin(index / by)) * 200 * 1024 ** 2);
  const downlink = at.map((_, index) => wave(index, 20));
  return { range: "24h", stepS: 300, at, uplink: downlink.map((one) => Math.floor(one / 5)), downlink };
}
