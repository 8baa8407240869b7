/**
 * The socket table through iproute2's `ss`, for hosts where koffi does not load.
 *
 * A call costs a fork, milliseconds instead of microseconds, and `ss` cannot
 * name a socket by its cookie: it is compared right before the kill, and the
 * same pair of ends cannot return in between without a TIME_WAIT (tcp(7)).
 */
import { spawnSync } from "node:child_process";
import { addressText } from "../address-text.ts";
import { addressBytes } from "../addresses.ts";
import { KernelUnavailableError, reasonOf } from "../errors.ts";
import { destroyInRounds, type Found } from "./destroy-rounds.ts";
import type {
  DestroyedSockets,
  Endpoint,
  FlowFigures,
  MarkedFlow,
  SocketTable,
  TcpSocket,
  UdpSocket,
} from "./sockets.ts";
import {
  decodeEstablished,
  decodeFlows,
  decodeLiveCookies,
  decodeSockets,
  decodeUdpSockets,
} from "./ss-output.ts";

const TIMEOUT_MS = 5000;
/** How `ss` begins to say what the kernel's answer was. */
const REFUSAL = "RTNETLINK answers";
/** Some 300,000 sockets. */
const LONGEST_OUTPUT = 64 << 20;
/** More are not put on its command line, and all sockets are read instead. */
const MOST_NAMED_PORTS = 64;

/** @throws {KernelUnavailableError} when there is no `ss`. */
export function probeSs(): void {
  ss("-V");
}

/** @throws {KernelUnavailableError} when there is no `ss`. */
export function openSsTable(): SocketTable & Disposable {
  probeSs();
  return {
    find,
    list,
    listOwnedBy,
    listMarked,
    flowsMarked,
    figuresOf,
    listMarkedUdp,
    destroy,
    destroyMarked,
    [Symbol.dispose]: () => undefined,
  };
}

function find(local: Endpoint, remote: Endpoint): TcpSocket | undefined {
  const [own, other] = [canonical(local.address), canonical(remote.address)];
  return connected(["sport", "=", `:${local.port}`, "and", "dport", "=", `:${remote.port}`]).find(
    (socket) =>
      socket.local.address === own &&
      socket.remote.address === other &&
      socket.local.port === local.port &&
      socket.remote.port === remote.port,
  );
}

function list(localPorts: ReadonlySet<number>): TcpSocket[] {
  if (localPorts.size === 0) return [];
  return connected(atPorts(localPorts)).filter((socket) => localPorts.has(socket.local.port));
}

function atPorts(localPorts: ReadonlySet<number>): string[] {
  return [...localPorts].flatMap((port) => ["or", "sport", "=", `:${port}`]).slice(1);
}

/** Those at these local ports whose handshake is done and that nobody has closed. */
export function listEstablished(localPorts: ReadonlySet<number>): TcpSocket[] {
  if (localPorts.size === 0) return [];
  const filter = localPorts.size > MOST_NAMED_PORTS ? [] : parenthesised(atPorts(localPorts));
  // Asked for one state alone, ss does not print it.
  return decodeEstablished(ss("-tneH", "state", "connected", ...filter)).filter(({ local }) =>
    localPorts.has(local.port),
  );
}

function listOwnedBy(uid: number): TcpSocket[] {
  return connected([]).filter((socket) => socket.uid === uid);
}

function listMarked(mark: number, mask: number): TcpSocket[] {
  return connected(marked(mark, mask));
}

function flowsMarked(mark: number, mask: number): MarkedFlow[] {
  return decodeFlows(ss("-tneiH", "state", "connected", ...parenthesised(marked(mark, mask))));
}

function figuresOf({ local, remote, cookie }: TcpSocket): FlowFigures | undefined {
  const ends = ["src", filterText(local), "and", "dst", filterText(remote)];
  const flows = decodeFlows(ss("-tneiH", "state", "connected", ...parenthesised(ends)));
  const flow = flows.find(({ socket }) => socket.cookie === cookie);
  if (!flow) return undefined;
  const { unread, unsent, received, acknowledged, timestamps } = flow;
  return { unread, unsent, received, acknowledged, timestamps };
}

function listMarkedUdp(mark: number, mask: number): UdpSocket[] {
  return decodeUdpSockets(ss("-uaneH", ...marked(mark, mask)));
}

/** `ss -K` prints what it ended. */
function destroyMarked(mark: number, mask: number): DestroyedSockets {
  const filter = marked(mark, mask);
  const tcp = ["-tneH", "state", "connected", ...parenthesised(filter)];
  const udp = ["-uaneH", ...filter];
  const found = (...flags: readonly string[]): Found[] => [
    ...decodeLiveCookies(ss(...flags, ...tcp)).map((cookie) => ({ protocol: "tcp" as const, cookie })),
    ...decodeUdpSockets(ss(...flags, ...udp)).map(({ cookie }) => ({ protocol: "udp" as const, cookie })),
  ];
  return destroyInRounds(
    `the sockets marked ${hex(mark)}/${hex(mask)}`,
    () => found(),
    () => found("-K"),
  );
}

/** The filter of `ss` for a mark below a mask. */
function marked(mark: number, mask: number): string[] {
  return ["fwmark", "=", `${hex(mark & mask)}/${hex(mask)}`];
}

/** Looks again afterwards: without CAP_NET_ADMIN `ss -K` says nothing, kills nothing and exits with 0. */
function destroy(socket: TcpSocket): "destroyed" | "gone" {
  const { local, remote, cookie } = socket;
  if (find(local, remote)?.cookie !== cookie) return "gone";
  ss("-K", "-tnH", "src", filterText(local), "and", "dst", filterText(remote));
  if (find(local, remote)?.cookie === cookie) {
    throw new KernelUnavailableError(
      `Cannot end the connection from ${remote.address} port ${remote.port} to ${local.address} port ${local.port}: "ss -K" left it alone: it takes CAP_NET_ADMIN and a kernel with CONFIG_INET_DIAG_DESTROY`,
    );
  }
  return "destroyed";
}

function connected(filter: readonly string[]): TcpSocket[] {
  return decodeSockets(ss("-tneH", "state", "connected", ...parenthesised(filter)));
}

/** "state X a or b" would be read as "(state X a) or b". */
function parenthesised(filter: readonly string[]): string[] {
  return filter.length === 0 ? [] : ["(", ...filter, ")"];
}

function ss(...parameters: string[]): string {
  const action = `Cannot run "ss ${parameters.join(" ")}"`;
  const { error, status, signal, stdout, stderr } = spawnSync("ss", parameters, {
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    maxBuffer: LONGEST_OUTPUT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error) {
    throw new KernelUnavailableError(`${action}: it takes iproute2: ${reasonOf(error)}`, { cause: error });
  }
  // What the kernel refused is printed, and then it ends well with no socket at all.
  if (status !== 0 || stderr.includes(REFUSAL)) {
    const ending = signal ?? `status ${status}`;
    throw new KernelUnavailableError(
      `${action}: it takes iproute2 and, for marks, CAP_NET_ADMIN: ${stderr.trim() || ending}`,
    );
  }
  return stdout;
}

function hex(value: number): string {
  return `0x${(value >>> 0).toString(16)}`;
}

function canonical(address: string): string {
  return addressText(addressBytes(address));
}

function filterText({ address, port }: Endpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
