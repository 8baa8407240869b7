/** Marks a socket of this process (SO_MARK). */
import type { Socket } from "node:net";
import { checked, libc } from "../../src/kernel/libc.ts";

/** Node has no word for it. */
export function setMark(socket: Socket, mark: number): void {
  const [SOL_SOCKET, SO_MARK] = [1, 36];
  const value = Buffer.alloc(4);
  value.writeUInt32LE(mark);
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const calls = libc();
  checked(calls, calls.setsockopt(fd, SOL_SOCKET, SO_MARK, value, value.length), "Cannot mark a socket");
}
