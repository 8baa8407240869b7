/** Prints what came of the attempt to watch this process's own forks. */
import { watchForks } from "../../../src/kernel/process-events.ts";

try {
  using _ = await watchForks(
    new Set([process.pid]),
    () => undefined,
    () => undefined,
  );
  console.log("listening");
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
