/** A hub before the watch of a daemon and of a capture, on a clock of the test's own, and pages on real sockets. */
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { Settings } from "../../../../src/config.ts";
import type { Status, Watch, WatchRequest } from "../../../../src/control/rows.ts";
import { UserRows } from "../../../../src/daemon/user-rows.ts";
import { UserWatch } from "../../../../src/daemon/user-watch.ts";
import { Views } from "../../../../src/daemon/views.ts";
import { UnreachableError } from "../../../../src/errors.ts";
import { LiveHub } from "../../../../src/faces/web/live/hub.ts";
import type { Viewer } from "../../../../src/faces/web/viewer.ts";
import type { LiveMessage, LiveView } from "../../../../src/faces/web/wire.ts";
import type { WatchPart } from "../../../../src/hosts/capture-client.ts";
import { openBooks } from "../../../daemon/opened-books.ts";
import { ManualClock } from "../../../support/manual-clock.ts";
import { until } from "../../../support/until.ts";

export const ADMIN: Viewer = { name: "root", role: "admin", scopes: undefined, key: "login:1" };
export const VIEWER: Viewer = { name: "guest", role: "viewer", scopes: undefined, key: "login:2" };

export const STATUS = {
  ...{ version: "0.1.0", mode: "enforce", tickMs: 10, uptimeMs: 5_000, accounts: 2, saveTrouble: "" },
  ...{ sources: [], jobs: [] },
} as unknown as Status;

/** The daemon: its own watch on books with joe and amy. */
export function watchedBooks(clock: ManualClock) {
  const { books, entry, look } = openBooks(clock);
  look("e", { joe: [0, 0], amy: [0, 0] });
  const views = new Views(() => undefined);
  const rows = new UserRows({
    ...{ settings: { warnPercent: [80] } as unknown as Settings, clock },
    engines: [],
    ...{ mode: "observe", gatekeeper: undefined as never }, // which asks nobody
  });
  const stops = new Set<AbortController>();
  const daemon = { away: false, silent: false, opened: 0, requests: [] as WatchRequest[] };
  const watch = (request: WatchRequest, signal: AbortSignal): Watch => {
    daemon.opened += 1;
    daemon.requests.push(request);
    const stop = new AbortController();
    stops.add(stop);
    const both = AbortSignal.any([signal, stop.signal]);
    const real = new UserWatch({ books, clock, rows, views, readMs: () => 10 }, request, both);
    async function* lists() {
      if (daemon.away) throw new UnreachableError("Cannot ask the daemon");
      for await (const list of real) if (!daemon.silent) yield list;
      if (!signal.aborted) throw new UnreachableError("The daemon has stopped");
    }
    return {
      change: (next) => {
        daemon.requests.push(next);
        real.change(next);
      },
      [Symbol.asyncIterator]: lists,
    };
  };
  /** As when it is stopped. */
  const goAway = () => {
    daemon.away = true;
    for (const stop of stops) stop.abort();
  };
  return { books, entry, look, views, watch, daemon, goAway };
}

/** A capture whose watchers are told what the test tells. */
function toldCapture() {
  const waiting: ((part: WatchPart) => void)[] = [];
  const parts: WatchPart[] = [];
  let opened = 0;
  async function* watch(signal: AbortSignal): AsyncGenerator<WatchPart> {
    opened += 1;
    const ended = once(signal, "abort").then(() => undefined);
    while (!signal.aborted) {
      const part =
        parts.shift() ??
        (await Promise.race([new Promise<WatchPart>((resolve) => waiting.push(resolve)), ended]));
      if (part) yield part;
    }
  }
  return {
    watch,
    opened: () => opened,
    tell: (part: WatchPart) => {
      const next = waiting.shift();
      if (next) next(part);
      else parts.push(part);
    },
  };
}

export type OpenedHub = Awaited<ReturnType<typeof openHub>>;

export async function openHub(stillMay: (viewer: Viewer) => boolean = () => true) {
  const clock = new ManualClock();
  const books = watchedBooks(clock);
  const capture = toldCapture();
  const desk = { watch: books.watch, status: () => Promise.resolve(STATUS) };
  const hub = new LiveHub({ desk, capture, clock, stillMay });
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", maxPayload: 8_192 });
  onTestFinished(() => {
    hub[Symbol.dispose]();
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  await once(server, "listening");
  const { port } = server.address() as { port: number };

  /** Opens a page of this viewer. */
  const open = async (viewer: Viewer = ADMIN) => {
    const accepted = once(server, "connection") as Promise<[WebSocket]>;
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    const messages: LiveMessage[] = [];
    const closed = once(socket, "close").then(([code]) => code as number);
    socket.on("message", (data) => messages.push(JSON.parse((data as Buffer).toString()) as LiveMessage));
    const [accepting] = await accepted;
    hub.attach(accepting, viewer);
    await once(socket, "open").catch(() => undefined);
    return {
      ...{ socket, messages, closed, server: accepting },
      say: (view: LiveView | string) => socket.send(typeof view === "string" ? view : JSON.stringify(view)),
      /** The first message that is so, of those that came and come. */
      told: (what: string, is: (message: LiveMessage) => boolean) =>
        until(
          what,
          () => messages.find(is),
          5_000,
          () => messages,
        ),
    };
  };
  return { ...books, capture, clock, hub, open };
}
