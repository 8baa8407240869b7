/**
 * The bytes of the proc connector, which tells of every process that begins
 * (linux/connector.h, linux/cn_proc.h).
 *
 *   message  = connector's index(4)=1  value(4)=1  sequence(4)  acknowledge(4)  length(2)  flags(2)  event
 *   event    = what(4)  cpu(4)  time(8)  then, of a fork:
 *              parent's thread(4)  parent(4)  child's thread(4)  child(4)
 *   greeting = message with an order in the event's place: listen(4)=1
 *
 * All in the host's byte order, and behind netlink's header of 16 bytes. Pids
 * are the initial pid namespace's.
 *
 * Pure: no I/O, no state between calls.
 */
import type { SocketFilter } from "./netlink-listener.ts";
import { encodeMessage, NLMSG_DONE } from "./netlink-messages.ts";

export interface Fork {
  readonly parent: number;
  readonly child: number;
}

const CONNECTOR_INDEX = 1;
const CONNECTOR_VALUE = 1;
const MCAST_LISTEN = 1;
const EVENT_NONE = 0;
const EVENT_FORK = 1;

const MESSAGE_HEADER_LENGTH = 20;
const FORK_LENGTH = MESSAGE_HEADER_LENGTH + 32;
const WHAT = 20;
const PARENT = 40;
const CHILD_THREAD = 44;
const CHILD = 48;
/** Where the payload begins in a datagram. */
const NETLINK_HEADER_LENGTH = 16;

/** Asks to be told from now on. The kernel answers all listeners with an event of no kind. */
export function encodeGreeting(): Buffer {
  const message = Buffer.alloc(MESSAGE_HEADER_LENGTH + 4);
  message.writeUInt32LE(CONNECTOR_INDEX, 0);
  message.writeUInt32LE(CONNECTOR_VALUE, 4);
  message.writeUInt16LE(4, 16);
  message.writeUInt32LE(MCAST_LISTEN, MESSAGE_HEADER_LENGTH);
  return encodeMessage(NLMSG_DONE, 0, 0, message);
}

/**
 * @returns a new process with its parent; "greeting" for the answer to one, whoever's; undefined for
 * everything else, such as a new thread.
 * @throws {SyntaxError} when the message is cut off.
 */
export function decodeEvent(payload: Buffer): Fork | "greeting" | undefined {
  const what = whole(payload, WHAT + 4).readUInt32LE(WHAT);
  if (what === EVENT_NONE) return "greeting";
  if (what !== EVENT_FORK) return undefined;
  const child = whole(payload, FORK_LENGTH).readUInt32LE(CHILD);
  if (payload.readUInt32LE(CHILD_THREAD) !== child) return undefined;
  return { parent: payload.readUInt32LE(PARENT), child };
}

/** The most parents the filter asks for, well below the longest jump; with more, every new process passes it. */
const MOST_PARENTS = 200;

/**
 * A program of classic BPF (linux/filter.h) that lets pass what decodeEvent()
 * has an answer for, of these parents: the host's other forks, execs and exits
 * do not wake us.
 */
export function forkFilter(parents: ReadonlySet<number>): SocketFilter[] {
  const fromParent =
    parents.size > MOST_PARENTS
      ? [{ code: JUMP, jt: 0, jf: 0, k: 1 }]
      : [...parents].map((parent, index) => ifEqual(parent, parents.size - index, 0));
  const checks = fromParent.length;
  return [
    load(WHAT),
    ifEqual(EVENT_NONE, 7 + checks, 0),
    ifEqual(EVENT_FORK, 0, 5 + checks),
    load(CHILD),
    { code: KEEP, jt: 0, jf: 0, k: 0 },
    load(CHILD_THREAD),
    { code: IF_EQUAL_KEPT, jt: 0, jf: 1 + checks, k: 0 },
    load(PARENT),
    ...fromParent,
    { code: RETURN, jt: 0, jf: 0, k: 0 },
    { code: RETURN, jt: 0, jf: 0, k: WHOLE_MESSAGE },
  ];
}

const LOAD_WORD = 0x20;
const JUMP = 0x05;
const IF_EQUAL = 0x15;
const IF_EQUAL_KEPT = 0x1d;
const KEEP = 0x07;
const RETURN = 0x06;
const WHOLE_MESSAGE = 0xffff_ffff;

function load(offset: number): SocketFilter {
  return { code: LOAD_WORD, jt: 0, jf: 0, k: NETLINK_HEADER_LENGTH + offset };
}

/** Words are loaded as if they came in network order: what they are compared with is turned round alike. */
function ifEqual(value: number, jt: number, jf: number): SocketFilter {
  return { code: IF_EQUAL, jt, jf, k: swapped(value) };
}

function swapped(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.readUInt32BE();
}

function whole(payload: Buffer, length: number): Buffer {
  if (payload.length < length) {
    throw new SyntaxError(
      `Cannot decode a process event: expected at least ${length} bytes, got ${payload.length}`,
    );
  }
  return payload;
}
