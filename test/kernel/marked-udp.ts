/** Live UDP sockets with a mark, read by this process. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { addressBytes } from "../../src/addresses.ts";
import { checked, libc } from "../../src/kernel/libc.ts";

const [AF_INET, AF_INET6, SOCK_DGRAM] = [2, 10, 2];
const [SOCK_NONBLOCK, SOCK_CLOEXEC] = [0o4000, 0o2000000];
const SOL_SOCKET = 1;
const [SO_REUSEPORT, SO_MARK] = [15, 36];

export interface MarkedUdp extends AsyncDisposable {
  readonly socket: Socket;
  readonly port: number;
  /** Sends before it returns, which Node would put off. */
  send(data: Uint8Array, address: string, port: number): void;
  /** The first error the process is told of. */
  error(): Promise<string | undefined>;
}

/** @param choice.port 0, or left out, has the kernel choose one. `shared` lets others have it too. */
export function openMarkedUdp(
  address: string,
  mark: number,
  choice: { readonly port?: number; readonly shared?: boolean } = {},
): MarkedUdp {
  const calls = libc();
  const action = `Cannot open a UDP socket at ${address}`;
  const kind = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = checked(calls, calls.socket(isIPv6(address) ? AF_INET6 : AF_INET, kind, 0), action);
  setOption(fd, SO_MARK, mark);
  if (choice.shared) setOption(fd, SO_REUSEPORT, 1);
  const name = socketAddress(address, choice.port ?? 0);
  checked(calls, calls.bind(fd, name, name.length), action);
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4").bind({ fd });
  const told = Promise.withResolvers<string | undefined>();
  socket.on("error", (error: NodeJS.ErrnoException) => told.resolve(error.code));
  return {
    socket,
    port: socket.address().port,
    send(data, target, port) {
      const to = socketAddress(target, port);
      checked(calls, calls.sendto(fd, data, data.length, 0, to, to.length), `Cannot send to ${target}`);
    },
    error: () => told.promise,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
    },
  };
}

function setOption(fd: number, option: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  const calls = libc();
  const result = calls.setsockopt(fd, SOL_SOCKET, option, bytes, bytes.length);
  checked(calls, result, `Cannot set socket option ${option}`);
}

/** struct sockaddr_in and sockaddr_in6. */
function socketAddress(address: string, port: number): Buffer {
  const name = Buffer.alloc(isIPv6(address) ? 28 : 16);
  name.writeUInt16LE(isIPv6(address) ? AF_INET6 : AF_INET, 0);
  name.writeUInt16BE(port, 2);
  name.set(addressBytes(address), isIPv6(address) ? 8 : 4);
  return name;
}
