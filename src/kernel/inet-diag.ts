/**
 * The bytes in which the kernel names TCP and UDP sockets (linux/inet_diag.h).
 *
 *   socket id = local port(2)  remote port(2)  local address(16)  remote address(16)
 *               device(4)  cookie(8)
 *   request   = family(1)  protocol(1)  extensions(1)  pad(1)  states(4)  socket id
 *   message   = family(1)  state(1)  timer(1)  retransmissions(1)  socket id
 *               expires(4)  receive queue(4)  send queue(4)  uid(4)  inode(4)  attributes
 *   bytecode  = a request's attribute 1, run by the kernel on each socket; here of one instruction:
 *               code(1)=10, "mark is"    skip if so(1)  skip if not(2)  mark(4)  mask(4)
 *               code(1)=13, "cgroup is"  skip if so(1)  skip if not(2)  cgroup(8)
 *   progress  = a message's attribute 2, a struct tcp_info, if extension 2 was asked for
 *
 * Ports and addresses are in network order, the rest in the host's. IPv4 fills
 * the first four bytes of an address. "Local" is the asked-for socket's own end.
 *
 * Pure: no I/O, no state between calls.
 */

import { addressText } from "../address-text.ts";
import { addressBytes } from "../addresses.ts";
import { bytes } from "../units.ts";
import { attributesOf, encodeAttribute } from "./netlink-messages.ts";
import type { Endpoint, FlowFigures, TcpSocket, UdpSocket } from "./sockets.ts";
import { decodeTcpInfo } from "./tcp-info.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;

/** INET_DIAG_NOCOOKIE: any socket with these ends will do. */
export const ANY_COOKIE = 0xffff_ffff_ffff_ffffn;
/** A socket bound to no network device. */
export const NO_DEVICE = 0;

const PROTOCOL_TCP = 6;
const PROTOCOL_UDP = 17;
const REQUEST_LENGTH = 56;
const MESSAGE_LENGTH = 72;
const REQUEST_BYTECODE = 1;
/** INET_DIAG_BC_MARK_COND, and its length with mark and mask. */
const MARK_CONDITION = 10;
const MARK_CONDITION_LENGTH = 12;
/** INET_DIAG_BC_CGROUP_COND (kernel 5.8), and its length with the id. */
const CGROUP_CONDITION = 13;
const CGROUP_CONDITION_LENGTH = 12;

/** INET_DIAG_INFO: the extension and the attribute that answers it. */
const INFO = 2;
const INFO_WANTED = 1 << (INFO - 1);

const ESTABLISHED = 1;
const SYN_SENT = 2;
const SYN_RECEIVED = 3;
const FIN_WAIT_2 = 5;
/** A UDP socket that is not connected. */
const CLOSED = 7;
/**
 * ESTABLISHED, SYN_RECV, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK, CLOSING: the states in which bytes can
 * still pass, at least in one direction. Data sent before a close drains in LAST_ACK and CLOSING too.
 */
const CARRYING_STATES: ReadonlySet<number> = new Set([ESTABLISHED, SYN_RECEIVED, 4, FIN_WAIT_2, 8, 9, 11]);

/** Which sockets a list has, and with how much of each. */
export interface Selection {
  readonly protocol: number;
  readonly extensions: number;
  /** One bit for each state. */
  readonly states: number;
}

export const CARRYING_TCP: Selection = {
  protocol: PROTOCOL_TCP,
  extensions: 0,
  states: bitsOf(CARRYING_STATES),
};
/** Those whose handshake is done and that nobody has closed. */
export const ESTABLISHED_TCP: Selection = { ...CARRYING_TCP, states: bitsOf([ESTABLISHED]) };
export const CARRYING_TCP_WITH_FIGURES: Selection = { ...CARRYING_TCP, extensions: INFO_WANTED };
/** Those that only dial so far too, but no listener. */
export const LIVE_TCP: Selection = { ...CARRYING_TCP, states: bitsOf([...CARRYING_STATES, SYN_SENT]) };
export const ALL_UDP: Selection = {
  protocol: PROTOCOL_UDP,
  extensions: 0,
  states: bitsOf([ESTABLISHED, CLOSED]),
};

/** A TCP socket as the kernel shows it. */
export interface DiagSocket extends TcpSocket {
  /** Index of the network device the socket is bound to, or NO_DEVICE. A look-up must name the same. */
  readonly device: number;
}

/** Names one socket, for a look-up or a destroy. Both ends must be of one family. */
export function encodeExact(
  local: Endpoint,
  remote: Endpoint,
  device: number,
  cookie: bigint,
  { protocol, extensions }: Selection = CARRYING_TCP,
): Buffer {
  const source = addressBytes(local.address);
  const family = source.length === 4 ? AF_INET : AF_INET6;
  const request = encodeRequest(family, { protocol, extensions, states: 0 }, local.port);
  request.writeUInt16BE(remote.port, 10);
  request.set(source, 12);
  request.set(addressBytes(remote.address), 28);
  request.writeUInt32LE(device, 44);
  request.writeBigUInt64LE(cookie, 48);
  return request;
}

/** Names the socket that a message showed, by its own bytes: a text would not tell a mapped address from a plain one. */
export function encodeSame(message: Buffer, { protocol }: Selection): Buffer {
  const family = whole(message).readUInt8(0);
  const request = encodeRequest(family, { protocol, extensions: 0, states: 0 }, 0);
  request.set(message.subarray(4, 52), 8);
  return request;
}

/** Asks for all TCP sockets of a family that can carry data, at one local port or, with 0, at any. */
export function encodeList(family: typeof AF_INET | typeof AF_INET6, localPort: number): Buffer {
  return encodeSelected(family, CARRYING_TCP, localPort);
}

/** Asks for the sockets of a selection, at one local port or, with 0, at any. */
export function encodeSelected(
  family: typeof AF_INET | typeof AF_INET6,
  selection: Selection,
  localPort: number,
): Buffer {
  return encodeRequest(family, selection, localPort);
}

/** Asks for the sockets, at any port, whose mark is `mark` in the bits of `mask`. It takes CAP_NET_ADMIN. */
export function encodeMarked(
  family: typeof AF_INET | typeof AF_INET6,
  mark: number,
  mask: number,
  selection: Selection,
): Buffer {
  const bytecode = condition(MARK_CONDITION, MARK_CONDITION_LENGTH);
  bytecode.writeUInt32LE((mark & mask) >>> 0, 4);
  bytecode.writeUInt32LE(mask >>> 0, 8);
  return Buffer.concat([encodeRequest(family, selection, 0), encodeAttribute(REQUEST_BYTECODE, bytecode)]);
}

/** Asks for the same at any port, where the socket was made in this cgroup: the group itself, none below it. */
export function encodeInCgroup(family: typeof AF_INET | typeof AF_INET6, id: bigint): Buffer {
  const bytecode = condition(CGROUP_CONDITION, CGROUP_CONDITION_LENGTH);
  bytecode.writeBigUInt64LE(id, 4);
  return Buffer.concat([encodeList(family, 0), encodeAttribute(REQUEST_BYTECODE, bytecode)]);
}

/** A program of one condition. */
function condition(code: number, length: number): Buffer {
  const bytecode = Buffer.alloc(length);
  bytecode.writeUInt8(code, 0);
  // A program that ends right at its end takes the socket, one that jumps a step too far leaves it.
  bytecode.writeUInt8(length, 1);
  bytecode.writeUInt16LE(length + 4, 2);
  return bytecode;
}

/** Asks for sockets in no state at all: an answer without any that still shows whether TCP can be asked about. */
export function encodeProbe(): Buffer {
  return encodeRequest(AF_INET, { ...CARRYING_TCP, states: 0 }, 0);
}

/** The socket's own port, read alone because a long list is sifted by it. */
export function localPortOf(message: Buffer): number {
  return whole(message).readUInt16BE(4);
}

/** FIN_WAIT2 without an inode is closed on this side with everything delivered: it waits for a FIN, nothing else. */
export function isDelivered(message: Buffer): boolean {
  return whole(message).readUInt8(1) === FIN_WAIT_2 && message.readUInt32LE(68) === 0;
}

export function cookieOf(message: Buffer): bigint {
  return whole(message).readBigUInt64LE(44);
}

/** The socket's owner, read alone for the same reason. */
export function uidOf(message: Buffer): number {
  return whole(message).readUInt32LE(64);
}

/** Bytes waiting in both directions: to be read by the process, and to be acknowledged by the other side. */
export function queuedIn(message: Buffer): number {
  return whole(message).readUInt32LE(56) + message.readUInt32LE(60);
}

/**
 * The socket, or undefined if it carries no data any more (or never did: a listener).
 *
 * @throws {SyntaxError} when the message is shorter than its fixed part or of an unknown family.
 */
export function decodeSocket(message: Buffer): DiagSocket | undefined {
  const ends = endsOf(message);
  if (!CARRYING_STATES.has(message.readUInt8(1)) || isDelivered(message)) return undefined;
  return {
    ...ends,
    cookie: cookieOf(message),
    inode: message.readUInt32LE(68),
    uid: uidOf(message),
    device: message.readUInt32LE(40),
  };
}

/** @throws {SyntaxError} when the message is shorter than its fixed part or of an unknown family. */
export function decodeUdp(message: Buffer): UdpSocket {
  const { local, remote } = endsOf(message);
  return {
    local,
    remote: remote.port === 0 ? undefined : remote,
    cookie: cookieOf(message),
    inode: message.readUInt32LE(68),
    uid: uidOf(message),
    unread: bytes(message.readUInt32LE(56)),
  };
}

/** @throws {SyntaxError} when the message is shorter than its fixed part. */
export function decodeFigures(message: Buffer): FlowFigures {
  return {
    unread: bytes(whole(message).readUInt32LE(56)),
    unsent: bytes(message.readUInt32LE(60)),
    ...decodeTcpInfo(attributesOf(message.subarray(MESSAGE_LENGTH)).get(INFO)),
  };
}

function endsOf(message: Buffer): { readonly local: Endpoint; readonly remote: Endpoint } {
  const family = whole(message).readUInt8(0);
  if (family !== AF_INET && family !== AF_INET6) {
    throw new SyntaxError(`Cannot decode a socket: expected family ${AF_INET} or ${AF_INET6}, got ${family}`);
  }
  const length = family === AF_INET ? 4 : 16;
  return {
    local: { address: addressText(message.subarray(8, 8 + length)), port: message.readUInt16BE(4) },
    remote: { address: addressText(message.subarray(24, 24 + length)), port: message.readUInt16BE(6) },
  };
}

function encodeRequest(
  family: number,
  { protocol, extensions, states }: Selection,
  localPort: number,
): Buffer {
  const request = Buffer.alloc(REQUEST_LENGTH);
  request.writeUInt8(family, 0);
  request.writeUInt8(protocol, 1);
  request.writeUInt8(extensions, 2);
  request.writeUInt32LE(states, 4);
  request.writeUInt16BE(localPort, 8);
  request.writeBigUInt64LE(ANY_COOKIE, 48);
  return request;
}

function bitsOf(states: Iterable<number>): number {
  return [...states].reduce((mask, state) => mask | (1 << state), 0);
}

function whole(message: Buffer): Buffer {
  if (message.length < MESSAGE_LENGTH) {
    throw new SyntaxError(
      `Cannot decode a socket: expected at least ${MESSAGE_LENGTH} bytes, got ${message.length}`,
    );
  }
  return message;
}
