/**
 * The control service on a Unix socket that only its owner may use.
 *
 * The file's mode keeps others out, and the kernel's word for who is at the
 * other end is checked as well: a socket may be handed on, a uid may not.
 */

import { chmodSync, mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import { callbackify } from "node:util";
import {
  status as code,
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { codeOf, reasonOf } from "../errors.ts";
import { peerCredentials } from "../kernel/peer-credentials.ts";
import type { Log } from "../log.ts";
import { CONTROL_SERVICE } from "./definition.ts";
import type { Desk, ImportRow, LimitRequest, UserList, Watch, WatchRequest } from "./rows.ts";

/** gRPC statuses by our errors' codes; the code itself travels in the details, in front of the message. */
const STATUS: Readonly<Record<string, code>> = {
  UNKNOWN_USER: code.NOT_FOUND,
  REFUSED: code.FAILED_PRECONDITION,
  UNREACHABLE: code.UNAVAILABLE,
};

export async function serveControl(desk: Desk, path: string, log: Log): Promise<AsyncDisposable> {
  const server = new Server();
  server.addService(CONTROL_SERVICE, handlers(desk));
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const connections = new Set<Socket>();
  const listener = createServer((socket) => {
    try {
      const { uid } = peerCredentials(socket);
      if (uid !== 0 && uid !== process.getuid?.()) throw new Error(`uid ${uid} may not use it`);
      connections.add(socket);
      socket.on("close", () => connections.delete(socket));
      injector.injectConnection(socket);
    } catch (error) {
      log.write("warning", `Refused a connection to the control socket: ${reasonOf(error)}`);
      socket.destroy();
    }
  });
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  await rm(path, { force: true }); // ours: the state's lock is held, so no other daemon listens here
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(path, resolve);
  });
  chmodSync(path, 0o600); // a new socket is 0755: nobody else could write to it before either
  return {
    [Symbol.asyncDispose]: async () => {
      listener.close();
      server.forceShutdown();
      for (const socket of connections) socket.destroy();
      await rm(path, { force: true });
    },
  };
}

function handlers(desk: Desk) {
  return {
    Status: unary(() => desk.status()),
    ListUsers: unary(async ({ name }: { name: string }) => ({
      users: await desk.listUsers(name),
      gone: [],
      readMs: 0,
    })),
    SetLimit: unary((request: LimitRequest) => desk.setLimit(request, "the administrator")),

    Reset: unary(async (request: { name: string; all: boolean }) => ({
      users: await desk.reset(request, "the administrator"),
      gone: [],
      readMs: 0,
    })),
    SetDisabled: unary(({ name, disabled }: { name: string; disabled: boolean }) =>
      desk.setDisabled(name, disabled, "the administrator"),
    ),
    Delete: unary(async ({ name, keepLogin }: { name: string; keepLogin: boolean }) => {
      await desk.delete(name, keepLogin, "the administrator");
      return {};
    }),
    ListGates: unary(async ({ users }: { users: readonly string[] }) => ({
      gates: await desk.listGates(users),
    })),
    LastLook: unary(({ engine }: { engine: string }) => desk.lastLook(engine)),
    Watch: (call: ServerDuplexStream<WatchRequest, UserList>) => {
      const ended = new AbortController();
      call.on("cancelled", () => ended.abort());
      call.on("close", () => ended.abort());
      let watch: Watch | undefined;
      call.on("data", (request: WatchRequest) => {
        try {
          if (watch) return watch.change(request);
          watch = desk.watch(request, ended.signal);
          void stream(watch, call);
        } catch (error) {
          call.destroy(Object.assign(new Error(reasonOf(error)), asStatus(error)));
        }
      });
    },
    ImportAccounts: unary(async ({ rows }: { rows: readonly ImportRow[] }) => ({
      failures: await desk.importAccounts(rows, "the administrator"),
    })),
    Snapshot: (call: ServerWritableStream<object, object>) => void stream(partsOf(desk.snapshot()), call),
    OpenvpnServers: unary(async () => ({ servers: await desk.openvpnServers() })),
    OpenvpnLogins: unary(async () => ({ logins: await desk.openvpnLogins() })),
    OpenvpnKick: unary(({ name }: { name: string }) => desk.openvpnKick(name, "the administrator")),
  };
}

function unary<Request, Answer>(
  answer: (request: Request) => Promise<Answer>,
): handleUnaryCall<Request, Answer> {
  return callbackify(async (call: ServerUnaryCall<Request, Answer>): Promise<Answer> => {
    try {
      return await answer(call.request);
    } catch (error) {
      throw Object.assign(new Error(reasonOf(error)), asStatus(error));
    }
  }) as unknown as handleUnaryCall<Request, Answer>; // the two type the error differently
}

async function* partsOf(snapshot: AsyncIterable<readonly string[]>): AsyncIterable<object> {
  for await (const accounts of snapshot) yield { accounts };
}

async function stream<Part extends object>(
  parts: AsyncIterable<Part>,
  call: ServerDuplexStream<WatchRequest, Part> | ServerWritableStream<object, Part>,
): Promise<void> {
  try {
    for await (const part of parts) {
      if (call.cancelled || call.destroyed) return;
      if (!call.write(part))
        await new Promise((resolve) => call.once("drain", resolve).once("close", resolve));
    }
    call.end();
  } catch (error) {
    call.destroy(Object.assign(new Error(reasonOf(error)), asStatus(error)));
  }
}

function asStatus(error: unknown): { code: code; details: string } {
  const known =
    codeOf(error) ?? (error instanceof RangeError || error instanceof SyntaxError ? "REFUSED" : "FAILED");
  return { code: STATUS[known] ?? code.UNKNOWN, details: `${known} ${reasonOf(error)}` };
}
