/** Argument: a path for the drop-in. Runs in a network namespace of its own, where the table's size is not to be changed. */
import { conntrackSize, raiseConntrack } from "../../../src/kernel/conntrack-size.ts";

const [, , dropIn = ""] = process.argv;
try {
  await raiseConntrack((conntrackSize()?.max ?? 0) + 1, dropIn);
  console.log("raised");
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
