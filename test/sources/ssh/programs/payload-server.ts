/** Arguments: a port, and a uid to take it as. Takes as many bytes as a client's first line says, and then sends as many as it says. */
import { createServer } from "node:net";
import { Readable } from "node:stream";

const uid = Number(process.argv[3] ?? 0);
if (uid > 0) {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
}

const CHUNK = Buffer.alloc(1 << 16);

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => undefined); // a client that is killed resets
  let expected = Number.POSITIVE_INFINITY;
  let answer = 0;
  let got = 0;
  socket.on("data", (chunk: Buffer) => {
    got += chunk.length;
    if (expected === Number.POSITIVE_INFINITY) {
      const line = chunk.subarray(0, chunk.indexOf("\n")).toString();
      const [up = 0, down = 0] = line.split(" ").map(Number);
      expected = line.length + 1 + up;
      answer = down;
    }
    if (got === expected) Readable.from(zeros(answer)).pipe(socket);
  });
});
server.listen(Number(process.argv[2]), "::", () => console.log("listening"));

function* zeros(count: number): Generator<Buffer> {
  for (let left = count; left > 0; left -= CHUNK.length) yield CHUNK.subarray(0, left);
}
