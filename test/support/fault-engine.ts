/**
 * An engine's StatsService that misbehaves to order.
 *
 * It is bare HTTP/2 rather than a gRPC library, which would refuse to send half
 * an answer. Every other service is UNIMPLEMENTED, as in an older engine.
 *
 *   message = compressed(1)=0  length(4)  protobuf          gRPC over HTTP/2
 *   trailers = grpc-status: 0 is OK, 12 is UNIMPLEMENTED
 */
import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { downlink, uplink, varint } from "../sources/xray/stats-answer.ts";

/** How one question is answered; left out, it is as an honest engine would. */
export type Behaviour =
  | { readonly kind: "late"; readonly ms: number }
  | { readonly kind: "cut" }
  | { readonly kind: "refused" }
  | { readonly kind: "unimplemented" }
  | { readonly kind: "garbage" }
  | { readonly kind: "truncated" }
  | { readonly kind: "empty" }
  | { readonly kind: "of"; readonly counters: Counters };

/** Cumulative, by user; whatever an int64 can hold, and more. */
export type Counters = Readonly<Record<string, readonly [up: number | bigint, down: number | bigint]>>;

export interface FaultEngine extends AsyncDisposable {
  /** "127.0.0.1:PORT" or "unix:/path". */
  readonly api: string;
  counters: Counters;
  /** When this life began, in ms since 1970. */
  beganAt: number;
  /** The next questions for users' counters are answered so, one after the other. */
  misbehave(...behaviours: readonly Behaviour[]): void;
  /** Behaviours that are still to come. */
  readonly left: number;
  /** Ends every connection; each new one calls `next` first, as when another engine has the address. */
  reconnect(next?: () => void): void;
}

const STATS = ".app.stats.command.StatsService/";
const UNIMPLEMENTED = 12;

/** @param path of a Unix socket; a free port of 127.0.0.1 if left out. */
export async function startFaultEngine(path?: string): Promise<FaultEngine> {
  const sessions = new Set<ServerHttp2Session>();
  let script: Behaviour[] = [];
  let onSession: () => void = () => undefined;
  const engine: FaultEngine = {
    api: "",
    counters: {},
    beganAt: Date.now(),
    misbehave(...behaviours) {
      script = [...script, ...behaviours];
    },
    get left() {
      return script.length;
    },
    reconnect(next) {
      if (next) onSession = next;
      for (const session of sessions) session.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
  const server = createServer();
  server.on("session", (session) => {
    onSession();
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => undefined); // the client went away: `close` follows
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined); // the client gave the question up
    void questionOf(stream).then((question) => {
      const method = String(headers[":path"]);
      if (method.endsWith(`${STATS}GetSysStats`)) return answer(stream, uptimeAnswer(engine.beganAt));
      if (!method.endsWith(`${STATS}QueryStats`)) return refuse(stream, UNIMPLEMENTED);
      if (!question.includes("user>>>")) return answer(stream, Buffer.alloc(0));
      return behave(stream, script.shift(), engine.counters);
    });
  });
  const api = await listen(server, path);
  return Object.assign(engine, { api });
}

async function listen(server: Http2Server, path: string | undefined): Promise<string> {
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await once(server, "listening");
  if (path !== undefined) return `unix:${path}`;
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function questionOf(stream: ServerHttp2Stream): Promise<string> {
  let text = "";
  for await (const bytes of stream) text += (bytes as Buffer).toString("latin1");
  return text;
}

async function behave(
  stream: ServerHttp2Stream,
  behaviour: Behaviour | undefined,
  counters: Counters,
): Promise<void> {
  const honest = countersAnswer(counters);
  switch (behaviour?.kind) {
    case undefined:
      return answer(stream, honest);
    case "late":
      await delay(behaviour.ms);
      return answer(stream, honest);
    case "cut":
      stream.respond(HEADERS);
      stream.write(framed(honest).subarray(0, 10), () => stream.session?.destroy());
      return;
    case "refused":
      stream.session?.destroy();
      return;
    case "unimplemented":
      return refuse(stream, UNIMPLEMENTED);
    case "garbage":
      return answer(stream, Buffer.from("<html>502 Bad Gateway</html>"));
    case "truncated":
      return answer(stream, honest.subarray(0, -3));
    case "empty":
      return answer(stream, Buffer.alloc(0));
    case "of":
      return answer(stream, countersAnswer(behaviour.counters));
    default:
      return behaviour satisfies never;
  }
}

const HEADERS = { ":status": 200, "content-type": "application/grpc" };

function answer(stream: ServerHttp2Stream, message: Buffer): void {
  if (stream.destroyed) return;
  stream.respond(HEADERS, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(framed(message));
}

function refuse(stream: ServerHttp2Stream, status: number): void {
  stream.respond({ ...HEADERS, "grpc-status": String(status) }, { endStream: true });
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function countersAnswer(counters: Counters): Buffer {
  return Buffer.concat(
    Object.entries(counters).flatMap(([user, [up, down]]) => [uplink(user, up), downlink(user, down)]),
  );
}

/** SysStatsResponse: Uptime = 10, in whole seconds. */
function uptimeAnswer(beganAt: number): Buffer {
  return Buffer.concat([Buffer.from([0x50]), varint(Math.floor((Date.now() - beganAt) / 1000))]);
}
