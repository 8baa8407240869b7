/** Arguments: "netlink" or "ss", the local and the remote end. Prints what came of the attempt to end the connection. */
import { openSocketTable } from "../../../src/kernel/sock-diag.ts";
import { openSsTable } from "../../../src/kernel/ss-command.ts";
import { becomeNobody } from "./nobody.ts";

const [way, localAddress = "", localPort, remoteAddress = "", remotePort] = process.argv.slice(2);
const table = way === "ss" ? openSsTable() : openSocketTable();
becomeNobody();
const socket = table.find(
  { address: localAddress, port: Number(localPort) },
  { address: remoteAddress, port: Number(remotePort) },
);
try {
  console.log(socket ? table.destroy(socket) : "not found");
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
