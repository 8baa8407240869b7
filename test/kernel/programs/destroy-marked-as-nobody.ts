/** Arguments: "netlink" or "ss", and a mark. Prints what came of the attempt to end all that carries it. */
import { openSocketTable } from "../../../src/kernel/sock-diag.ts";
import { openSsTable } from "../../../src/kernel/ss-command.ts";
import { becomeNobody } from "./nobody.ts";

const [way, mark] = process.argv.slice(2);
const table = way === "ss" ? openSsTable() : openSocketTable();
becomeNobody();
try {
  console.log(JSON.stringify(table.destroyMarked(Number(mark), 0xffffffff)));
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
