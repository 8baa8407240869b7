/** A Unix socket that we listen at: in place of a dead one, with its rights, and with every conversation ended when it is. */
import { chmodSync, chownSync, mkdirSync, rmSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { dirname } from "node:path";

export interface ServeOptions {
  readonly path: string;
  /** Permission bits of the socket. */
  readonly mode: number;
  /** Who owns it beside its maker; undefined leaves that as it is. */
  readonly group?: number | undefined;
  /** Whether a client that has said all it has to say still gets its answers; one who does not wait is gone. */
  readonly halfOpen?: boolean;
  /** Begins a conversation, or throws to refuse it. */
  readonly onConnection: (socket: Socket) => Disposable;
}

/**
 * Listens at a path, in place of a socket that a dead process left there.
 *
 * @throws {Error} when a living process listens there already, or the system's error.
 */
export async function serveLocalSocket(options: ServeOptions): Promise<AsyncDisposable> {
  const { path, mode, group, halfOpen = false, onConnection } = options;
  const open = new Set<Disposable>();
  const server = createServer({ allowHalfOpen: halfOpen }, (socket) => {
    try {
      const conversation = onConnection(socket);
      open.add(conversation);
      socket.on("close", () => open.delete(conversation));
    } catch {
      socket.destroy();
    }
  });
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  if (await answers(path)) throw new Error(`Cannot listen at ${path}: another process does`);
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  if (group !== undefined) chownSync(path, process.getuid?.() ?? 0, group);
  chmodSync(path, mode);
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const conversation of open) conversation[Symbol.dispose]();
      await closed;
    },
  };
}

function answers(path: string): Promise<boolean> {
  const socket = createConnection(path);
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
