/** Arguments: a uid, a port, addresses. Connects to all of them as that user, prints the local ports, and stays. */
import { once } from "node:events";
import { connect } from "node:net";

const [uid, port, ...addresses] = process.argv.slice(2);
process.setgroups?.([]);
process.setgid?.(Number(uid));
process.setuid?.(Number(uid));
const sockets = addresses.map((address) => connect(Number(port), address));
await Promise.all(sockets.map((socket) => once(socket, "connect")));
console.log(JSON.stringify(sockets.map(({ localPort }) => localPort)));
