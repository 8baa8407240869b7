/**
 * Asks a web server for one new name after the other, over one connection, until it is
 * ended: host0.PREFIX, host1.PREFIX, ... A line for each as it leaves: its number, and
 * the moment in Unix milliseconds.
 *
 *   node test/support/name-stream.ts ADDRESS PORT PREFIX PER_SECOND
 */
import { once } from "node:events";
import { connect } from "node:net";

const TICK_MS = 10;

const [, , address = "", port = "", prefix = "", perSecond = ""] = process.argv;
const socket = connect({ host: address, port: Number(port), noDelay: true });
await once(socket, "connect");
socket.resume();
const began = performance.now();
let next = 0;
setInterval(() => {
  const due = ((performance.now() - began) / 1_000) * Number(perSecond);
  for (; next < due; next += 1) {
    socket.write(`GET / HTTP/1.1\r\nHost: host${next}.${prefix}\r\n\r\n`);
    process.stdout.write(`${next} ${Date.now()}\n`);
  }
}, TICK_MS);
