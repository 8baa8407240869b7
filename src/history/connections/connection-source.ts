/**
 * The seam between the sampler and whatever tells it of clients' connections.
 *
 * A client is the remote end of a connection whose local port is a served one.
 *
 * Pure: types only.
 */
import type { ServedPorts, Transport } from "./served-ports.ts";

/** A connection of a client's to a service of this host. */
export interface ClientConnection {
  readonly service: string;
  readonly transport: Transport;
  /** The client's, in its shortest form; IPv4 never in its IPv6 form. */
  readonly address: string;
  readonly port: number;
  readonly localPort: number;
}

/** Where clients are looked for. */
export interface Premises {
  readonly served: ServedPorts;
  /** Connections to every address of this host count, and not those of some interfaces alone. */
  readonly anywhere: boolean;
  /** Whether the address is this host's, on an interface that counts. */
  readonly isOurs: (address: string) => boolean;
}

export interface ConnectionSource extends Disposable {
  readonly name: string;
  /** Whether a look has all connections that stand, or those that began since the look before. */
  readonly tells: "standing" | "begun";
  /** Why it saw nothing at the last look, or not all; undefined while all is well. */
  readonly trouble: string | undefined;
  /** @throws {Error} when it cannot look at all. */
  read(premises: Premises, visit: (connection: ClientConnection) => void): void;
}
