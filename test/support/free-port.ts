/**
 * Ports for servers that take a number and cannot be asked for one.
 *
 * They come from below the range the kernel gives to outgoing connections
 * (32768 and up), so a port that was free stays free until its server has it.
 * That matters with Xray: it sets SO_REUSEPORT, and two engines on one port
 * would share its connections without a word.
 */
import { createServer } from "node:net";

const LOWEST = 20_000;
const COUNT = 12_000;
const handedOut = new Set<number>();

/** A TCP port of 127.0.0.1 that nobody has, and that this process has not handed out before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * COUNT);
    if (!handedOut.has(port) && (await isFree(port))) {
      handedOut.add(port);
      return port;
    }
  }
  throw new Error(`Cannot find a free port from ${LOWEST} to ${LOWEST + COUNT - 1}: 200 tried`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
