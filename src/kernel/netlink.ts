/**
 * One netlink socket: a request goes out, its whole answer comes back.
 *
 * The kernel works while `send` or `recv` runs, so an answer is there without
 * waiting and the calls block no longer than the work takes; the timeout is for
 * a kernel that breaks that promise. Every request asks for an acknowledgement,
 * so each answer has an end to read up to.
 */
import { constants } from "node:os";
import { checked, type Libc, libc, SystemCallError, uninterrupted } from "./libc.ts";
import {
  decodeMessages,
  encodeMessage,
  errorNumberOf,
  type NetlinkMessage,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
} from "./netlink-messages.ts";
import { openNetlinkSocket } from "./netlink-socket.ts";

/** In `recv`: answer the datagram's real length, even if it did not fit. */
const MSG_TRUNC = 0x20;

/** Twice the largest datagram of a dump (32 KiB). */
const BUFFER_LENGTH = 1 << 16;
const HEADER_LENGTH = 16;
const MOST_SEQUENCES = 0xffff_ffff;

export interface NetlinkRequest {
  readonly type: number;
  /** Asks for everything that fits the request instead of one object. */
  readonly dump: boolean;
  readonly payload: Uint8Array;
}

export interface Netlink extends Disposable {
  /**
   * The messages of the answer, without acknowledgement or end mark: none, if the request was an order.
   *
   * @throws {SystemCallError} with the error number the kernel answered, or EAGAIN after 250 ms of silence.
   */
  request(request: NetlinkRequest): NetlinkMessage[];
  /**
   * The answer to a dump, message by message where it was received: the payload
   * is `buffer` from `start` to `end`, good until `visit` returns.
   *
   * @throws {SystemCallError} as `request()` does.
   */
  walk(request: NetlinkRequest, visit: (buffer: Buffer, start: number, end: number) => void): void;
  /**
   * Sends messages that belong together in one datagram, each of which asks for
   * an acknowledgement or is one of the `silent` at both ends.
   *
   * @param messages whole ones, with sequence numbers that count up from `sequence()`.
   * @returns the error number each was answered with, by sequence: 0 where it went well.
   */
  exchange(messages: readonly Buffer[], expected: number): ReadonlyMap<number, number>;
  /** The number for the next message; `count` of them are taken. */
  sequence(count: number): number;
}

/**
 * @param protocol NETLINK_SOCK_DIAG is 4, NETLINK_NETFILTER 12.
 * @throws {KernelUnavailableError} when the process may not have such a socket or the kernel has none.
 */
export function openNetlink(protocol: number): Netlink {
  const calls = libc();
  const descriptor = openNetlinkSocket(calls, protocol);
  const buffer = Buffer.alloc(BUFFER_LENGTH);
  let sequence = 0;

  return {
    request({ type, dump, payload }) {
      sequence = (sequence + 1) >>> 0;
      const flags = NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK);
      const message = encodeMessage(type, flags, sequence, payload);
      const action = `Cannot carry out netlink request ${type} of protocol ${protocol}`;
      uninterrupted(calls, () => calls.send(descriptor, message, message.length, 0), action);
      return answerTo(sequence, action, () => receive(calls, descriptor, buffer, action));
    },
    walk({ type, payload }, visit) {
      sequence = (sequence + 1) >>> 0;
      const message = encodeMessage(type, NLM_F_REQUEST | NLM_F_DUMP, sequence, payload);
      const action = `Cannot carry out netlink dump ${type} of protocol ${protocol}`;
      uninterrupted(calls, () => calls.send(descriptor, message, message.length, 0), action);
      for (;;) {
        const length = uninterrupted(
          calls,
          () => calls.recv(descriptor, buffer, buffer.length, MSG_TRUNC),
          action,
        );
        if (length > buffer.length) throw new SystemCallError(action, constants.errno.EMSGSIZE);
        if (walkDatagram(buffer, length, sequence, action, visit)) return;
      }
    },
    exchange(messages, expected) {
      const action = `Cannot carry out a netlink batch of protocol ${protocol}`;
      const datagram = Buffer.concat(messages);
      uninterrupted(calls, () => calls.send(descriptor, datagram, datagram.length, 0), action);
      const first = messages[0]?.readUInt32LE(8) ?? 0;
      const answers = new Map<number, number>();
      while (answers.size < expected) {
        for (const message of decodeMessages(receive(calls, descriptor, buffer, action))) {
          if (message.type !== NLMSG_ERROR || message.sequence < first) continue;
          const errno = errorNumberOf(message.payload);
          // The batch as a whole was refused: nothing else will be said of it.
          if (message.sequence === first && errno !== 0) return new Map([[first, errno]]);
          answers.set(message.sequence, errno);
        }
      }
      return answers;
    },
    sequence(count) {
      const next = sequence + 1;
      sequence = next + count > MOST_SEQUENCES ? count : next + count - 1;
      return next + count > MOST_SEQUENCES ? 1 : next;
    },
    [Symbol.dispose]() {
      checked(calls, calls.close(descriptor), `Cannot close the netlink socket of protocol ${protocol}`);
    },
  };
}

/**
 * Collects what `next` hands over, one datagram a call, up to the acknowledgement
 * or end mark. What still arrives for an earlier request, one that timed out, is dropped.
 *
 * @throws {SystemCallError} with the error number in the acknowledgement, or whatever `next` throws.
 */
export function answerTo(sequence: number, action: string, next: () => Buffer): NetlinkMessage[] {
  const answer: NetlinkMessage[] = [];
  for (;;) {
    for (const message of decodeMessages(next())) {
      if (message.sequence !== sequence) continue;
      if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) {
        answer.push(message);
        continue;
      }
      const errno = errorNumberOf(message.payload);
      if (errno !== 0) throw new SystemCallError(action, errno);
      return answer;
    }
  }
}

/** @returns true at the end of the dump. */
function walkDatagram(
  buffer: Buffer,
  length: number,
  sequence: number,
  action: string,
  visit: (buffer: Buffer, start: number, end: number) => void,
): boolean {
  let offset = 0;
  while (offset + HEADER_LENGTH <= length) {
    const size = buffer.readUInt32LE(offset);
    if (size < HEADER_LENGTH || offset + size > length) {
      throw new SyntaxError(`${action}: a message claims ${size} bytes, ${length - offset} are there`);
    }
    const type = buffer.readUInt16LE(offset + 4);
    if (buffer.readUInt32LE(offset + 8) === sequence) {
      if (type === NLMSG_DONE || type === NLMSG_ERROR) {
        const errno = errorNumberOf(buffer.subarray(offset + HEADER_LENGTH, offset + size));
        if (errno !== 0) throw new SystemCallError(action, errno);
        return true;
      }
      visit(buffer, offset + HEADER_LENGTH, offset + size);
    }
    offset += (size + 3) & ~3;
  }
  return false;
}

/** One datagram, copied out of the buffer that the next one overwrites. */
function receive(calls: Libc, descriptor: number, buffer: Buffer, action: string): Buffer {
  const length = uninterrupted(calls, () => calls.recv(descriptor, buffer, buffer.length, MSG_TRUNC), action);
  if (length > buffer.length) throw new SystemCallError(action, constants.errno.EMSGSIZE);
  return Buffer.from(buffer.subarray(0, length));
}
