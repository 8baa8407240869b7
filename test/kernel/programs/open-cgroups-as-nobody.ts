/** Argument: a folder's name. Prints what came of the attempt to have cgroups in it. */
import { openCgroups } from "../../../src/kernel/cgroups.ts";
import { becomeNobody } from "./nobody.ts";

becomeNobody();
try {
  console.log(openCgroups(process.argv[2] ?? "").list().length);
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
