/** The desk of a running daemon, over its Unix socket. */
import { CONTROL_SERVICE } from "./definition.ts";
import { DeskClient } from "./desk-client.ts";
import type { Desk, GateRow, ImportFailure, ImportRow, LastLookReply } from "./rows.ts";

/** An engine's stop waits for it: short of the eight seconds it may take with everything. */
const LAST_LOOK_DEADLINE_MS = 7_000;

export class ControlClient extends DeskClient implements Desk {
  constructor(path: string) {
    super(CONTROL_SERVICE, path);
  }

  async listGates(users: readonly string[]): Promise<readonly GateRow[]> {
    return (await this.call<{ gates: readonly GateRow[] }>("ListGates", { users })).gates;
  }

  lastLook(engine: string): Promise<LastLookReply> {
    return this.call("LastLook", { engine }, LAST_LOOK_DEADLINE_MS);
  }

  async importAccounts(rows: readonly ImportRow[]): Promise<readonly ImportFailure[]> {
    return (await this.call<{ failures: readonly ImportFailure[] }>("ImportAccounts", { rows })).failures;
  }

  async *snapshot(): AsyncIterable<readonly string[]> {
    for await (const { accounts } of this.stream<{ accounts: readonly string[] }>("Snapshot", {})) {
      yield accounts;
    }
  }
}
