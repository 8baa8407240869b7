/** Runs in a copy of the sources that has no packages. Argument: a port somebody listens and is connected at. */
import { clockSynchronised } from "../../../src/kernel/clock-sync.ts";
import { libc } from "../../../src/kernel/libc.ts";
import { openSockets } from "../../../src/kernel/open-sockets.ts";

const port = Number(process.argv[2]);
const outcomes = [() => libc(), () => clockSynchronised(), () => openSockets().list(new Set([port])).length];
console.log(
  JSON.stringify(
    outcomes.map((outcome) => {
      try {
        return outcome() ?? "unknown";
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`;
      }
    }),
  ),
);
