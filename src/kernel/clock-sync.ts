/**
 * Whether this host's wall clock follows a time server, by the kernel's word.
 *
 * A VPS that boots with a wrong clock would turn periods at wrong moments; the
 * NTP client tells the kernel when it has the time, and adjtimex(2) passes it on.
 */
import { KernelUnavailableError } from "../errors.ts";
import { libc } from "./libc.ts";

/** Larger than `struct timex` anywhere (208 bytes on 64-bit); all zero, it changes nothing. */
const TIMEX_ROOM = 256;
/** The answer while STA_UNSYNC or STA_CLOCKERR is set. */
const TIME_ERROR = 5;

/** Undefined where it cannot be known: without koffi, or in a sandbox that forbids even looking. */
export function clockSynchronised(): boolean | undefined {
  try {
    const state = libc().adjtimex(Buffer.alloc(TIMEX_ROOM));
    return state === -1 ? undefined : state !== TIME_ERROR;
  } catch (error) {
    if (error instanceof KernelUnavailableError) return undefined;
    throw error;
  }
}
