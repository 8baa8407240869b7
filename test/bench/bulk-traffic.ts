/**
 * One end of a TCP connection that moves random bytes as fast as the line takes them, until it is ended.
 *
 *   node bulk-traffic.ts sends | reads            listens on port 443, and says "ready"
 *   node bulk-traffic.ts sends | reads ADDRESS    connects to it
 */
import { randomBytes } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";

const PORT = 443;
/** Longer than any segment, and of no length that would have segments begin at the same few places. */
const BYTES = randomBytes(300_007);

const [task, address] = process.argv.slice(2);
if (address === undefined) createServer(work).listen(PORT, () => process.stdout.write("ready\n"));
else work(connect(PORT, address));

function work(socket: Socket): void {
  socket.on("error", (error) => process.stderr.write(`${error.message}\n`));
  if (task === "reads") {
    socket.resume();
    return;
  }
  const send = () => {
    while (socket.write(BYTES));
  };
  socket.on("drain", send);
  send();
}
