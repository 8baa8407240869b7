/** The requests of NETLINK_SOCK_DIAG (sock_diag(7)), and what the kernel means by refusing one. */
import { constants } from "node:os";
import { KernelUnavailableError } from "../errors.ts";
import { AF_INET, AF_INET6 } from "./inet-diag.ts";
import { SystemCallError } from "./libc.ts";
import type { Netlink } from "./netlink.ts";

export const NETLINK_SOCK_DIAG = 4;
export const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const { ENOENT, ESTALE, EPERM, EACCES, EOPNOTSUPP } = constants.errno;
const REFUSED: ReadonlySet<number> = new Set([EPERM, EACCES]);
export const NET_ADMIN = "CAP_NET_ADMIN (root, or AmbientCapabilities= in the unit)";

type Family = typeof AF_INET | typeof AF_INET6;

/** Everything of both families that fits the request, message by message. */
export function dump(netlink: Netlink, encode: (family: Family) => Buffer): Buffer[] {
  return ([AF_INET, AF_INET6] as const).flatMap((family) => {
    const request = { type: SOCK_DIAG_BY_FAMILY, dump: true, payload: encode(family) };
    // Only a kernel without IPv6 has nothing to ask here, and then there are no such sockets.
    const messages =
      family === AF_INET6 ? (unlessGone(() => netlink.request(request)) ?? []) : netlink.request(request);
    return messages.map((message) => message.payload);
  });
}

/** Asks for one family after the other; only a kernel without IPv6 has nothing to ask there. */
export function dumpFamilies(ask: (family: Family) => void): void {
  ask(AF_INET);
  unlessGone(() => ask(AF_INET6));
}

/** The one socket that the request names, if there is one. */
export function get(netlink: Netlink, payload: Buffer): Buffer | undefined {
  const answer = unlessGone(() => netlink.request({ type: SOCK_DIAG_BY_FAMILY, dump: false, payload }));
  return answer?.[0]?.payload;
}

/**
 * Ends the one socket that the request names.
 *
 * @throws {KernelUnavailableError} without CAP_NET_ADMIN.
 */
export function end(netlink: Netlink, payload: Buffer, what: string): "destroyed" | "gone" | "unsupported" {
  try {
    const answer = unlessGone(() => netlink.request({ type: SOCK_DESTROY, dump: false, payload }));
    return answer ? "destroyed" : "gone";
  } catch (cause) {
    if (cause instanceof SystemCallError && cause.errno === EOPNOTSUPP) return "unsupported";
    throw refused(cause, `Cannot end ${what}`);
  }
}

/** The error as it is, or a sentence of what the process lacks if the kernel refused it. */
export function refused(cause: unknown, action: string): unknown {
  if (!(cause instanceof SystemCallError) || !REFUSED.has(cause.errno)) return cause;
  return new KernelUnavailableError(`${action}: it takes ${NET_ADMIN}: ${cause.message}`, { cause });
}

/** A socket with these ends and another cookie is as good as none; kernels say ENOENT or ESTALE. */
function unlessGone<Answer>(ask: () => Answer): Answer | undefined {
  try {
    return ask();
  } catch (error) {
    if (error instanceof SystemCallError && (error.errno === ENOENT || error.errno === ESTALE))
      return undefined;
    throw error;
  }
}
