/** A unix datagram socket, as systemd has one for its services' words: Node offers none. */
import { codeOf } from "../../src/errors.ts";
import { checked, libc } from "../../src/kernel/libc.ts";

export interface DatagramSocket extends Disposable {
  /** The next datagram. @throws {SystemCallError} EAGAIN when there is none. */
  receive(): string;
  /** All that came since the last call. */
  receiveAll(): string[];
}

const [AF_UNIX, SOCK_DGRAM, MSG_DONTWAIT] = [1, 2, 0x40];

/** @param path as in the address: ends with a NUL, or begins with one. */
export function datagramSocket(path: string): DatagramSocket {
  const calls = libc();
  const descriptor = checked(calls, calls.socket(AF_UNIX, SOCK_DGRAM, 0), "Cannot make a socket");
  const address = Buffer.concat([Buffer.of(AF_UNIX, 0), Buffer.from(path)]);
  checked(calls, calls.bind(descriptor, address, address.length), `Cannot bind to ${path}`);
  const receive = () => {
    const buffer = Buffer.alloc(4096);
    const received = calls.recv(descriptor, buffer, buffer.length, MSG_DONTWAIT);
    return buffer.toString("utf8", 0, checked(calls, received, "Cannot receive"));
  };
  return {
    receive,
    receiveAll() {
      const all: string[] = [];
      for (;;) {
        try {
          all.push(receive());
        } catch (error) {
          if (codeOf(error) === "EAGAIN") return all;
          throw error;
        }
      }
    },
    [Symbol.dispose]: () => void calls.close(descriptor),
  };
}
