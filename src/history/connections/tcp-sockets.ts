/** Clients by the kernel's table of TCP sockets. */
import { isLoopback } from "../../addresses.ts";
import { type EstablishedSockets, openEstablished } from "../../kernel/established-sockets.ts";
import type { ClientConnection, ConnectionSource, Premises } from "./connection-source.ts";

export class TcpSockets implements ConnectionSource {
  readonly name = "TCP sockets";
  readonly tells = "standing";
  readonly trouble = undefined;
  #table: EstablishedSockets | undefined;

  read({ served, anywhere, isOurs }: Premises, visit: (connection: ClientConnection) => void): void {
    if (served.tcp.size === 0) return;
    this.#table ??= openEstablished();
    this.#table.walk(new Set(served.tcp.keys()), (socket) => {
      const { localPort, remotePort, remoteAddress } = socket;
      const service = served.tcp.get(localPort);
      // Loopback's clients are programs of this host, such as a proxy in front: its own port has the people.
      if (service === undefined || isLoopback(remoteAddress)) return;
      if (!anywhere && !isOurs(socket.localAddress())) return;
      visit({ service, transport: "tcp", address: remoteAddress, port: remotePort, localPort });
    });
  }

  [Symbol.dispose](): void {
    this.#table?.[Symbol.dispose]();
  }
}
