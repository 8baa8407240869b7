/**
 * Runs in a process group of its own, so that what goes wrong hits nobody else.
 * Arguments: "forbidden", or "nobody" and a pid. Prints who is said to be alive at the end.
 */
import { endProcesses } from "../../../src/kernel/processes.ts";
import { becomeNobody } from "./nobody.ts";

const [, , what, pid = ""] = process.argv;
if (what === "nobody") becomeNobody();
const selected = what === "nobody" ? [Number(pid)] : [0, 1, process.pid, -process.pid, 1.5, Number.NaN];
let looks = 0;
const left = await endProcesses(() => {
  looks += 1;
  return selected;
});
console.log(JSON.stringify({ left, looks }));
