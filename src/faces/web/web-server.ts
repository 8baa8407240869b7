/**
 * The web, listening: HTTP or HTTPS in front of the app, and the live socket.
 *
 * Everything a stranger can make long is bounded here: headers, the time to send
 * them and the body, connections, live sockets.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer, type Server as SecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Hono, MiddlewareHandler } from "hono";
import type { WebSocket } from "ws";
import { InvalidSettingsError } from "../../errors.ts";
import { commonHeaders } from "./http/headers.ts";
import { listenFault } from "./http/listen-address.ts";
import { LiveDoor } from "./http/live-door.ts";
import { type Refusal, type RefusalReason, refusalBody, retryHeader } from "./http/refusals.ts";
import type { Page } from "./http/static-files.ts";
import { readCertificate, stampOf, watchCertificate } from "./http/tls-files.ts";
import { RequestLimits } from "./http/web-steps.ts";
import type { Viewer, WebEnv } from "./viewer.ts";
import { webApp } from "./web-app.ts";
import type { WebCore } from "./web-core.ts";

export interface ServerParts {
  readonly page: Page;
  /** Those of the API, of the live view, of the metrics. */
  readonly routes: readonly Hono<WebEnv>[];
  /** Counts what is answered. */
  readonly count: MiddlewareHandler;
  /** `LiveHub.attach`: takes a socket of somebody who may read. */
  readonly attach: (socket: WebSocket, viewer: Viewer) => void;
  readonly bounds?: Bounds;
}

/** In milliseconds. */
export interface Bounds {
  readonly headers: number;
  /** Headers and body. */
  readonly request: number;
  /** Between looks at who is late. */
  readonly check: number;
  /** Between looks at the certificate. */
  readonly certificate: number;
}

export interface RunningServer extends AsyncDisposable {
  /** The one it has, when port 0 was asked for. */
  readonly port: number;
}

const BOUNDS: Bounds = { headers: 10_000, request: 15_000, check: 1_000, certificate: 10_000 };
const HEADER_BYTES = 8 * 1024;
const CONNECTIONS = 1_024;
/** Without a byte in either direction; live sockets have their own pings. */
const IDLE_MS = 60_000;

/**
 * Listens. Disposing of it ends all connections.
 *
 * @throws {InvalidSettingsError} where it would be public without TLS.
 * @throws the system's error when the place is taken or a certificate cannot be read.
 */
export async function startWebServer(core: WebCore, parts: ServerParts): Promise<RunningServer> {
  const { web, settings } = core;
  const fault = listenFault(web);
  if (fault !== undefined) throw new InvalidSettingsError(settings.path ?? "the defaults", [fault]);
  const bounds = parts.bounds ?? BOUNDS;
  const limits = new RequestLimits();
  const app = webApp(core, { ...parts, limits });
  const since = web.tls ? await stampOf(web.tls) : "";
  const server = await newServer(core, bounds);
  const answer = getRequestListener((request, env) =>
    app.fetch(request, core.door.factsOf((env as HttpBindings).incoming)),
  );
  const answers = new WeakMap<Duplex, ServerResponse>();
  server.on("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    answers.set(incoming.socket, outgoing);
    const facts = core.door.factsOf(incoming);
    // Here, and not in the app: whatever fails there, these stand.
    for (const [name, value] of Object.entries(commonHeaders(facts.secure))) outgoing.setHeader(name, value);
    const refusal = core.door.refusalOf(incoming);
    if (refusal) refuseRequest(core, refusal, facts.address, outgoing);
    else void answer(incoming, outgoing);
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    refuseClient(core, error, socket, answers.get(socket)?.headersSent !== true);
  });
  server.on("drop", () => core.refusals.note("too_many_connections", ""));
  const live = new LiveDoor(core, limits, parts.attach);
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
    live.open(incoming, socket, head),
  );
  await listening(server, web.listen);
  const stopped = new Promise<void>((resolve) => server.once("close", () => resolve()));
  const watch = watching(core, server, { since, everyMs: bounds.certificate });
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      watch?.[Symbol.dispose]();
      live[Symbol.dispose]();
      server.close();
      server.closeAllConnections();
      await stopped;
    },
  };
}

async function newServer({ web }: WebCore, bounds: Bounds): Promise<Server | SecureServer> {
  const options = {
    headersTimeout: bounds.headers,
    requestTimeout: bounds.request,
    connectionsCheckingInterval: bounds.check,
    maxHeaderSize: HEADER_BYTES,
    // curl offers HTTP/2 in the same way; it shall get its answer in HTTP/1.1.
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === "websocket",
  };
  const server = web.tls
    ? createSecureServer({ ...options, ...(await readCertificate(web.tls)), minVersion: "TLSv1.2" })
    : createServer(options);
  server.maxConnections = CONNECTIONS;
  server.setTimeout(IDLE_MS);
  return server;
}

function listening(
  server: Server | SecureServer,
  { host, port }: { host: string; port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function watching(
  { web, log }: WebCore,
  server: Server | SecureServer,
  watch: { readonly since: string; readonly everyMs: number },
): Disposable | undefined {
  if (!web.tls || !("setSecureContext" in server)) return undefined;
  return watchCertificate(web.tls, (certificate) => server.setSecureContext(certificate), {
    ...{ log, ...watch },
  });
}

function refuseRequest(core: WebCore, refusal: Refusal, address: string, outgoing: ServerResponse): void {
  core.refusals.note(refusal.reason, address);
  outgoing.writeHead(refusal.status, {
    ...retryHeader(refusal),
    ...{ "content-type": "application/json", connection: "close" },
  });
  outgoing.end(JSON.stringify(refusalBody(refusal)));
}

/** What is no request, or none in time. */
function refuseClient(
  core: WebCore,
  { code }: NodeJS.ErrnoException,
  socket: Duplex,
  mayAnswer: boolean,
): void {
  const late: readonly (string | undefined)[] = ["ERR_HTTP_REQUEST_TIMEOUT"];
  const [reason, status]: readonly [RefusalReason, string] = late.includes(code)
    ? ["slow", "408 Request Timeout"]
    : code === "HPE_HEADER_OVERFLOW"
      ? ["large_headers", "431 Request Header Fields Too Large"]
      : ["bad_request", "400 Bad Request"];
  // Who hangs up in the middle has refused us.
  if (code !== "ECONNRESET" && code !== "EPIPE") {
    core.refusals.note(reason, "remoteAddress" in socket ? String(socket.remoteAddress) : "");
  }
  if (!socket.writable || !mayAnswer) socket.destroy();
  else socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
