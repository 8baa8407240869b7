/** Live TCP connections within this process, and child programs that are gone when the test is. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { addressText } from "../../src/address-text.ts";
import { addressBytes } from "../../src/addresses.ts";
import type { Endpoint } from "../../src/kernel/sockets.ts";

export const isRoot = process.getuid?.() === 0;
export const hasIPv6 = (networkInterfaces()["lo"] ?? []).some(({ address }) => address === "::1");

export interface Connection {
  readonly client: Socket;
  readonly accepted: Socket;
  /** The server's end and the client's, as the server's socket sees them. */
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

export interface Loopback extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  connect(address: string): Promise<Connection>;
}

export const hasSs = runs("ss", "-V");

function runs(file: string, ...parameters: string[]): boolean {
  try {
    execFileSync(file, parameters, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export async function listen(address: string): Promise<Loopback> {
  const server = createServer().listen(0, address);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const sockets: Socket[] = [];
  return {
    server,
    port,
    async connect(target) {
      const client = connect(port, target);
      const [[accepted]] = (await Promise.all([once(server, "connection"), once(client, "connect")])) as [
        [Socket],
        unknown,
      ];
      sockets.push(client, accepted);
      const end = (text: string | undefined, number: number | undefined) => ({
        address: addressText(addressBytes(text ?? "")),
        port: number ?? 0,
      });
      return {
        client,
        accepted,
        local: end(accepted.localAddress, accepted.localPort),
        remote: end(accepted.remoteAddress, accepted.remotePort),
      };
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The next chunk the program prints, without the newline. */
  line(): Promise<string>;
}

/** Runs a file of ./programs. */
export function start(name: string, ...parameters: string[]): Program {
  return startCommand(process.execPath, [join(import.meta.dirname, "programs", name), ...parameters]);
}

export function startCommand(
  file: string,
  parameters: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Program {
  const child = spawn(file, parameters, { stdio: ["ignore", "pipe", "inherit"], env });
  const { pid, stdout: output } = child;
  if (pid === undefined) throw new Error(`Cannot start "${file}": no process`);
  const ended = once(child, "exit");
  const closed = once(child, "close"); // not its exit: what it said last may come after that
  return {
    child,
    pid,
    line: async () => {
      const [chunk] = (await Promise.race([once(output, "data"), closed])) as [unknown];
      if (!Buffer.isBuffer(chunk))
        throw new Error(`Cannot read from "${file}": it ended with ${String(chunk)}`);
      return chunk.toString("utf8").trim();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
