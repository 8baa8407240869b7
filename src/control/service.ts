/** The control service on a Unix socket that only its owner may use. */
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { Log } from "../log.ts";
import { stream, unary } from "./answering.ts";
import { CONTROL_SERVICE } from "./definition.ts";
import type { Desk, ImportRow } from "./rows.ts";
import { serveService } from "./service-socket.ts";
import { sharedCalls } from "./shared-calls.ts";

const ADMINISTRATOR = "the administrator";

export function serveControl(desk: Desk, path: string, log: Log): Promise<AsyncDisposable> {
  return serveService({
    ...{ name: "control", definition: CONTROL_SERVICE, calls: callsOf(desk), path, log },
    ...{ mode: 0o600, group: undefined, most: Number.POSITIVE_INFINITY },
    mayEnter: (uid) => uid === 0 || uid === process.getuid?.(),
  });
}

function callsOf(desk: Desk) {
  return {
    ...sharedCalls(desk, () => ADMINISTRATOR),
    ListGates: unary(async ({ users }: { users: readonly string[] }) => ({
      gates: await desk.listGates(users),
    })),
    LastLook: unary(({ engine }: { engine: string }) => desk.lastLook(engine)),
    ImportAccounts: unary(async ({ rows }: { rows: readonly ImportRow[] }) => ({
      failures: await desk.importAccounts(rows, ADMINISTRATOR),
    })),
    Snapshot: (call: ServerWritableStream<object, object>) => void stream(partsOf(desk.snapshot()), call),
  };
}

async function* partsOf(snapshot: AsyncIterable<readonly string[]>): AsyncIterable<object> {
  for await (const accounts of snapshot) yield { accounts };
}
