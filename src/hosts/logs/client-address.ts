/**
 * A client's address as a log has it, for the file.
 *
 * On a loopback address it is a proxy of this host that came, nginx for one: who
 * is behind it stands in another log, if anywhere.
 *
 * Pure: no I/O, no state between calls.
 */
import { canonicalAddress } from "../../addresses.ts";

const LOOPBACK = /^(?:127\.|::1$)/;

/** The shortest spelling; undefined for a text that is no address, and for loopback. */
export function clientAddress(text: string | undefined): string | undefined {
  const address = text === undefined ? undefined : canonicalAddress(text);
  return address === undefined || LOOPBACK.test(address) ? undefined : address;
}
