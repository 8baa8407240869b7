/** The daemon as it ships: `dist/cli.js enforce`, on folders of its own below the temp directory. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ControlClient } from "../../src/control/client.ts";
import { codeOf } from "../../src/errors.ts";
import type { EventRecord } from "../../src/storage/events.ts";
import { makeSluice } from "../support/sluice.ts";
import { until } from "../support/until.ts";
import { startNode } from "./children.ts";

/** The command line as it ships. */
export const BUILT = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface BuiltDaemon extends AsyncDisposable {
  readonly pid: number;
  readonly desk: ControlClient;
  readonly settingsPath: string;
  /** Its control socket. */
  readonly socketPath: string;
  /** What is in events.jsonl so far. */
  events(): Promise<readonly EventRecord[]>;
}

/**
 * Resolves when it answers and has looked at its engine.
 *
 * @throws {Error} with all it logged, if that takes more than half a minute or it ends before.
 */
export async function startBuiltDaemon(settings: object): Promise<BuiltDaemon> {
  await using parts = new AsyncDisposableStack();
  const sluice = parts.use(await makeSluice(settings));
  const child = parts.use(
    startNode(["--max-semi-space-size=2", BUILT, "enforce", "--config", sluice.settingsPath]),
  );
  const socketPath = join(sluice.directory, "run", "control.sock");
  const desk = parts.use(new ControlClient(socketPath));
  await until(
    "the daemon looked at its engine",
    async () => {
      if (child.status() !== null)
        throw new Error(`The daemon ended with ${child.status()}: ${child.stderr()}`);
      return hasLooked(sluice.directory);
    },
    30_000,
    () => child.stderr(),
  );
  const owned = parts.move();
  return {
    pid: child.pid,
    desk,
    settingsPath: sluice.settingsPath,
    socketPath,
    events: () => sluice.events(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Over a connection of its own: one that was refused waits longer and longer to be tried again. */
async function hasLooked(directory: string): Promise<boolean> {
  using desk = new ControlClient(join(directory, "run", "control.sock"));
  try {
    const { sources } = await desk.status();
    return sources.every(({ answering, lastLookMs }) => answering && lastLookMs > 0);
  } catch (error) {
    if (codeOf(error) === "UNREACHABLE") return false;
    throw error;
  }
}
