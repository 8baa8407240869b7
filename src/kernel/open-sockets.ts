/** The best way to the kernel's socket table that this host has: netlink, else the `ss` command. */
import { KernelUnavailableError } from "../errors.ts";
import { openSocketTable } from "./sock-diag.ts";
import type { SocketTable } from "./sockets.ts";
import { openSsTable } from "./ss-command.ts";

/** @throws {KernelUnavailableError} when there is neither; the message says why for both. */
export function openSockets(): SocketTable & Disposable {
  try {
    return openSocketTable();
  } catch (error) {
    if (!(error instanceof KernelUnavailableError)) throw error;
    return openSsTableInstead(error);
  }
}

function openSsTableInstead(reason: KernelUnavailableError): SocketTable & Disposable {
  try {
    return openSsTable();
  } catch (error) {
    if (!(error instanceof KernelUnavailableError)) throw error;
    throw new KernelUnavailableError(`${reason.message}; ${error.message}`, {
      cause: new AggregateError([reason, error]),
    });
  }
}
