/**
 * Sends bytes over TCP, a line of hexadecimal on the standard input being a segment of
 * its own; ends when the other side has, or has answered.
 *
 *   node test/support/pitch.ts ADDRESS PORT < pieces
 */
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";

const [, , address = "", port = ""] = process.argv;
const socket = connect({ host: address, port: Number(port), noDelay: true });
await once(socket, "connect");
const done = Promise.race(["data", "end", "error"].map((event) => once(socket, event)));
for await (const line of createInterface({ input: process.stdin })) socket.write(Buffer.from(line, "hex"));
socket.end();
await done;
socket.destroy();
