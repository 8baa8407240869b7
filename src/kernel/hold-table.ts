/** Holds what arrives at the sockets of one cgroup: in the kernel, for seconds. */
import {
  drainScript,
  type HeldCgroup,
  holdTable,
  ownerOf,
  removalScript,
  stopScript,
} from "./hold-script.ts";
import { loadScript, tableNames } from "./nft-command.ts";
import { processStart } from "./process.ts";

/** Lifted when it is disposed of, or by the kernel ten seconds after it began. */
export interface Hold extends AsyncDisposable {
  /** From here on acknowledgements are held as well. */
  stop(): Promise<void>;
}

/**
 * Begins to hold: no new bytes come in, what is inside goes out.
 *
 * @param apiPort is left open on the loopback.
 * @throws {Error} with nft's own words: it takes nft 0.9.9, kernel 5.13 and CAP_NET_ADMIN.
 */
export async function openHold(cgroup: HeldCgroup, apiPort: number): Promise<Hold> {
  await loadScript(drainScript(cgroup, process.pid, apiPort));
  return {
    stop: () => loadScript(stopScript(cgroup, process.pid)),
    [Symbol.asyncDispose]: () => loadScript(removalScript(holdTable(cgroup, process.pid))),
  };
}

/** Lifts holds whose owner died. Those that have run out hold nothing any more, and cost each packet a look. */
export async function removeHolds(): Promise<void> {
  for (const table of await tableNames()) {
    const owner = ownerOf(table);
    if (owner !== undefined && processStart(owner) === undefined) await loadScript(removalScript(table));
  }
}
