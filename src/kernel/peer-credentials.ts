/** Who is at the other end of a unix socket, by the kernel's word (unix(7), SO_PEERCRED). */
import type { Socket } from "node:net";
import { checked, libc } from "./libc.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** struct ucred: pid, uid, gid, 4 bytes each. */
const UCRED_LENGTH = 12;
/** The uid of a peer that there is none of, as on TCP: -1. */
const NO_UID = 0xffff_ffff;

export interface PeerCredentials {
  /** 0 when the peer lives in a process namespace that is not ours nor below. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * As they were when the peer connected (for a client of ours) or began to
 * listen (for the server we connected to): the process may have ended since.
 *
 * @throws {KernelUnavailableError} without koffi.
 * @throws {TypeError} when the socket is closed or not connected over a unix socket.
 */
export function peerCredentials(socket: Socket): PeerCredentials {
  const calls = libc();
  const descriptor = descriptorOf(socket);
  const ucred = Buffer.alloc(UCRED_LENGTH);
  const length = Uint32Array.of(UCRED_LENGTH);
  const result = calls.getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, ucred, length);
  checked(calls, result, "Cannot read the credentials of a peer");
  const credentials = { pid: ucred.readInt32LE(0), uid: ucred.readUInt32LE(4), gid: ucred.readUInt32LE(8) };
  if (credentials.uid === NO_UID) {
    throw new TypeError("Cannot read the credentials of a peer: expected a connected unix socket");
  }
  return credentials;
}

/** Node has no public way to a socket's descriptor; `_handle.fd` has been it since the first versions. */
function descriptorOf(socket: Socket): number {
  const descriptor = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd;
  if (descriptor === undefined || descriptor < 0) {
    throw new TypeError("Cannot read the credentials of a peer: expected an open socket, got a closed one");
  }
  return descriptor;
}
