/** A network card to send whole frames through, whatever they say: a packet socket that gets none itself. */
import { checked, libc } from "../../src/kernel/libc.ts";

// linux/if_packet.h, linux/socket.h
const AF_PACKET = 17;
const SOCK_RAW = 3;
const ADDRESS_LENGTH = 20;

/**
 * @param index the kernel's number of the card.
 * @throws {SystemCallError} without the right to.
 */
export function openCard(index: number): { send(frame: Uint8Array): void } {
  const calls = libc();
  const card = checked(calls, calls.socket(AF_PACKET, SOCK_RAW, 0), "Cannot open a packet socket");
  const address = Buffer.alloc(ADDRESS_LENGTH);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeInt32LE(index, 4);
  checked(calls, calls.bind(card, address, address.length), `Cannot send through interface ${index}`);
  return {
    send: (frame) => void checked(calls, calls.send(card, frame, frame.length, 0), "Cannot send a frame"),
  };
}
