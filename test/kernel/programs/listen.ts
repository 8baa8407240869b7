/** Argument: an address. Prints the port, and greets whoever connects, so he knows he was accepted. */
import { createServer } from "node:net";

const server = createServer((socket) => socket.write("hello"));
server.listen(0, process.argv[2], () => console.log((server.address() as { port: number }).port));
