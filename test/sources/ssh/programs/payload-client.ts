/** Arguments: address, port, uid, bytes up, bytes down. As that uid, sends and takes them; says how many have come. */
import { once } from "node:events";
import { connect } from "node:net";

const [address = "", ...numbers] = process.argv.slice(2);
const [port = 0, uid = 0, up = 0, down = 0] = numbers.map(Number);
process.setgroups?.([]);
process.setgid?.(uid);
process.setuid?.(uid);
const socket = connect(port, address);
await once(socket, "connect");
let got = 0;
socket.on("data", (chunk: Buffer) => {
  got += chunk.length;
  console.log(got);
});
socket.write(`${up} ${down}\n`);
socket.write(Buffer.alloc(up));
await once(socket, "end");
socket.end();
await once(socket, "close");
console.log(got === down ? "done" : `got ${got} of ${down} bytes`);
