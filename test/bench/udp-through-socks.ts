/**
 * Sends and takes datagrams through an engine client's SOCKS5 inbound.
 *
 *   request  = 5  3 (UDP associate)  0  type(1)=1 address(4)=0 port(2)=0          RFC 1928 4
 *   datagram = 0  0  fragment(1)=0  type(1)=1 address(4) port(2)  payload         RFC 1928 7
 *
 * The association lasts as long as the connection that asked for it.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { askSocks, RELAY } from "../support/socks.ts";
import { type Destination, encodeIPv4, encodePort } from "../support/tunnel.ts";

export interface UdpTunnel extends Disposable {
  send(payload: Buffer): void;
}

const HEADER_LENGTH = 10;

/** As much as the kernel gives without asking: datagrams that find no room are lost. */
const RECEIVE_BUFFER = 4 << 20;

/**
 * @param onPayload gets what the destination sends, datagram by datagram.
 * @throws when the proxy refuses the connection or the request.
 */
export async function openUdpThroughSocks(
  proxy: Destination,
  destination: Destination,
  onPayload: (payload: Buffer) => void,
): Promise<UdpTunnel> {
  const { socket: control, bound } = await askSocks(proxy, RELAY, { address: "0.0.0.0", port: 0 });
  const socket = createSocket({ type: "udp4", recvBufferSize: RECEIVE_BUFFER });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  socket.on("error", () => undefined); // the proxy is gone: nothing comes any more, which is what shows
  socket.on("message", (datagram) => onPayload(datagram.subarray(HEADER_LENGTH)));
  const header = Buffer.concat([
    Buffer.from([0, 0, 0]),
    encodeIPv4(destination.address),
    encodePort(destination.port),
  ]);
  return {
    send: (payload) => socket.send(Buffer.concat([header, payload]), bound.port, bound.address),
    [Symbol.dispose]: () => {
      socket.close();
      control.destroy();
    },
  };
}
