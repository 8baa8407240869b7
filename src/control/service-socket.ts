/**
 * A gRPC service on a Unix socket.
 *
 * The file's mode keeps others out, and the kernel's word for who is at the
 * other end is checked as well: a socket may be handed on, a uid may not.
 */
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { reasonOf } from "../errors.ts";
import { peerCredentials } from "../kernel/peer-credentials.ts";
import type { Log } from "../log.ts";

export interface ServiceOptions {
  /** For messages: "control", "web". */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly calls: UntypedServiceImplementation;
  readonly path: string;
  readonly mode: number;
  /** Who owns it beside ourselves; undefined leaves that as it is. */
  readonly group: number | undefined;
  /** Whether somebody of this uid may come in. */
  readonly mayEnter: (uid: number) => boolean;
  /** Connections at one time; another is refused. */
  readonly most: number;
  readonly log: Log;
}

/** @throws the system's error when the socket cannot be made. */
export async function serveService(options: ServiceOptions): Promise<AsyncDisposable> {
  const { name, definition, calls, path, mode, group, mayEnter, most, log } = options;
  const server = new Server();
  server.addService(definition, calls);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const connections = new Set<Socket>();
  const listener = createServer((socket) => {
    try {
      const { uid } = peerCredentials(socket);
      if (!mayEnter(uid)) throw new Error(`uid ${uid} may not use it`);
      if (connections.size >= most) throw new Error(`it has ${most} already`);
      connections.add(socket);
      socket.on("close", () => connections.delete(socket));
      injector.injectConnection(socket);
    } catch (error) {
      log.write("warning", `Refused a connection to the ${name} socket: ${reasonOf(error)}`);
      socket.destroy();
    }
  });
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  await rm(path, { force: true }); // ours: the state's lock is held, so no other daemon listens here
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(path, resolve);
  });
  // A new socket is 0755: nobody else could write to it before either.
  if (group !== undefined) chownSync(path, -1, group);
  chmodSync(path, mode);
  return {
    [Symbol.asyncDispose]: async () => {
      listener.close();
      server.forceShutdown();
      for (const socket of connections) socket.destroy();
      await rm(path, { force: true });
    },
  };
}
