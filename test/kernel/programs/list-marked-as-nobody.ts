/** Argument: "netlink" or "ss". Prints what came of the attempt to list sockets by their mark. */
import { openSocketTable } from "../../../src/kernel/sock-diag.ts";
import { openSsTable } from "../../../src/kernel/ss-command.ts";
import { becomeNobody } from "./nobody.ts";

const table = process.argv[2] === "ss" ? openSsTable() : openSocketTable();
becomeNobody();
try {
  console.log(`${table.listMarked(0x51000008, 0xffffffff).length} sockets`);
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
