/**
 * Which live TCP connections belong to which user of an engine.
 *
 * The access log names user and client address when a connection begins; the
 * kernel's socket is looked up then and there and kept by its cookie, because
 * an address and port can belong to somebody else a second later (carrier NAT
 * reuses ports, one client port may face two inbounds). A socket over which
 * several users came (an upstream connection that nginx reuses) is nobody's
 * alone and is only ended when all of them are cut.
 */
import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { KernelUnavailableError } from "../../errors.ts";
import type { SocketTable, TcpSocket } from "../../kernel/sockets.ts";
import type { UserLine } from "../../logs/access-log.ts";
import type { UserName } from "../../names.ts";
import type { LateEnd } from "../enforcer.ts";

interface Carrier {
  readonly socket: TcpSocket;
  /** Who came over it, and the engine's downlink figure of each then, in bytes. */
  readonly users: Map<UserName, number>;
}

const ADDRESSES_MS = 10_000;

export class Connections {
  readonly #sockets: SocketTable;
  readonly #portsOf: (inbound: string | undefined) => readonly number[];
  readonly #countedOf: (user: UserName) => number;
  readonly #carriers = new Map<bigint, Carrier>();
  readonly #ofUser = new Map<UserName, Set<Carrier>>();
  readonly #proxied = new Set<UserName>();
  readonly #datagrams = new Set<UserName>();
  #addresses: readonly NetworkInterfaceInfo[] = [];
  #addressesUntil = 0;

  /**
   * @param portsOf the ports an inbound listens on; those of all inbounds for an unknown tag.
   * @param countedOf the engine's downlink figure of a user, bytes.
   */
  constructor(
    sockets: SocketTable,
    portsOf: (inbound: string | undefined) => readonly number[],
    countedOf: (user: UserName) => number,
  ) {
    this.#sockets = sockets;
    this.#portsOf = portsOf;
    this.#countedOf = countedOf;
  }

  /** Notes the connection a line speaks of. */
  note(line: UserLine): void {
    if (line.network === "udp") {
      this.#datagrams.add(line.user);
      return;
    }
    if (line.client.port === 0) {
      this.#proxied.add(line.user);
      return;
    }
    const socket = this.#find(line);
    if (!socket) return; // over already, or in another network namespace
    let carrier = this.#carriers.get(socket.cookie);
    if (!carrier) {
      carrier = { socket, users: new Map() };
      this.#carriers.set(socket.cookie, carrier);
    }
    if (!carrier.users.has(line.user)) carrier.users.set(line.user, this.#countedOf(line.user));
    const carriers = this.#ofUser.get(line.user) ?? new Set();
    this.#ofUser.set(line.user, carriers.add(carrier));
  }

  /** Ends every connection that is the user's alone, or shared only with users who are cut as well. */
  end(user: UserName, isDenied: (other: UserName) => boolean): LateEnd {
    const shortfalls: string[] = [];
    let ended = 0;
    let shared = 0;
    for (const carrier of this.#ofUser.get(user) ?? []) {
      if ([...carrier.users.keys()].some((other) => other !== user && !isDenied(other))) {
        shared += 1;
        continue;
      }
      try {
        if (this.#sockets.destroy(carrier.socket) === "destroyed") ended += 1;
        this.#drop(carrier);
      } catch (error) {
        if (!(error instanceof KernelUnavailableError)) throw error;
        shortfalls.push(`live connections stay: ${error.message}`);
        break;
      }
    }
    if (shared > 0) shortfalls.push(`${shared} connections are shared with users who may go on`);
    const suspicions: string[] = [];
    if (this.#proxied.has(user))
      suspicions.push("connections through a proxy have no client port in the log");
    if (this.#datagrams.has(user)) suspicions.push("UDP flows have no socket of their own to end");
    return { ended, shortfalls, suspicions };
  }

  /** How many connections of the user are known to be open. */
  countOf(user: UserName): number {
    return this.#ofUser.get(user)?.size ?? 0;
  }

  /** Bytes that wait in the sockets of these connections to be sent to the user. */
  unsentOf(user: UserName): number {
    let unsent = 0;
    for (const { socket } of this.#ofUser.get(user) ?? [])
      unsent += this.#sockets.figuresOf(socket)?.unsent ?? 0;
    return unsent;
  }

  /**
   * Bytes that his open connections were sent and the engine has not counted,
   * about: the transport's own bytes are among them, and what ended meanwhile
   * is missing. Never negative.
   */
  unreportedOf(user: UserName): number {
    let sent = 0;
    let since = Number.POSITIVE_INFINITY;
    for (const { socket, users } of this.#ofUser.get(user) ?? []) {
      const acknowledged = users.size === 1 ? this.#sockets.figuresOf(socket)?.acknowledged : undefined;
      if (acknowledged === undefined) continue;
      sent += acknowledged;
      since = Math.min(since, users.get(user) ?? since);
    }
    return sent === 0 ? 0 : Math.max(0, sent - (this.#countedOf(user) - since));
  }

  /** Forgets connections that have ended. Call now and then: nobody logs an end. */
  prune(): void {
    const live = new Set(this.#sockets.list(new Set(this.#portsOf(undefined))).map(({ cookie }) => cookie));
    for (const [cookie, carrier] of this.#carriers) if (!live.has(cookie)) this.#drop(carrier);
    this.#proxied.clear();
    this.#datagrams.clear();
  }

  #drop(carrier: Carrier): void {
    this.#carriers.delete(carrier.socket.cookie);
    for (const user of carrier.users.keys()) {
      const carriers = this.#ofUser.get(user);
      carriers?.delete(carrier);
      if (carriers?.size === 0) this.#ofUser.delete(user);
    }
  }

  #find({ client, inbound }: UserLine): TcpSocket | undefined {
    const v6 = client.address.includes(":");
    for (const address of this.#localAddresses(v6)) {
      for (const port of this.#portsOf(inbound)) {
        const socket = this.#sockets.find({ address, port }, client);
        if (socket) return socket;
      }
    }
    return undefined;
  }

  /** This host's addresses, looked up at most every 10 s. */
  #localAddresses(v6: boolean): readonly string[] {
    const now = performance.now();
    if (now > this.#addressesUntil) {
      this.#addressesUntil = now + ADDRESSES_MS;
      this.#addresses = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    }
    const family = v6 ? "IPv6" : "IPv4";
    return this.#addresses.filter((each) => each.family === family).map(({ address }) => address);
  }
}
