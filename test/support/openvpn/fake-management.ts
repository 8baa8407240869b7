/**
 * A management interface that says what a test wants, for what a real server
 * cannot be made to do: answers without an end, silence, nonsense.
 */

import { mkdtempDisposable } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const GREETING = ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n";

export interface FakeManagementOptions {
  /** What it says first; the real greeting if left out. */
  readonly greeting?: string;
  /** What it says to a command; undefined for what a server in good order says. "" is silence. */
  readonly answer?: (command: string) => string | undefined;
}

export interface FakeManagement extends AsyncDisposable {
  /** Its socket's path. */
  readonly address: string;
  /** What it was told so far, line by line. */
  readonly heard: readonly string[];
  /** How many lines are open, and how many there have been. */
  readonly open: number;
  readonly connections: number;
  /** Says something unasked. */
  say(text: string): void;
  /** Ends the open lines. */
  hangUp(): void;
}

const ANSWERS: Readonly<Record<string, string>> = {
  "state on": "SUCCESS: real-time state notification set to ON\r\n",
  "hold release": "SUCCESS: hold release succeeded\r\n",
  pid: "SUCCESS: pid=4711\r\n",
  version: "OpenVPN Version: OpenVPN 2.6.14 x86_64-pc-linux-gnu\r\nManagement Version: 5\r\nEND\r\n",
};

export async function openFakeManagement(options: FakeManagementOptions = {}): Promise<FakeManagement> {
  const { greeting = GREETING, answer } = options;
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-mgmt-"));
  const address = join(folder.path, "mgmt.sock");
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let half = "";
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.on("data", (chunk) => {
      const lines = (half + chunk.toString("utf8")).split("\n");
      half = lines.pop() ?? "";
      for (const line of lines) {
        heard.push(line);
        socket.write(answer?.(line) ?? ANSWERS[line] ?? "ERROR: unknown command\r\n");
      }
    });
    socket.write(greeting);
  });
  await new Promise<void>((resolve) => server.listen(address, resolve));
  return {
    address,
    heard,
    get open() {
      return sockets.size;
    },
    get connections() {
      return connections;
    },
    say: (text) => {
      for (const socket of sockets) socket.write(text);
    },
    hangUp: () => {
      for (const socket of sockets) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await folder.remove();
    },
  };
}
