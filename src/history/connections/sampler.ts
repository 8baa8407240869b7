/**
 * Looks at who is connected, every few seconds, and hands on what it comes to.
 *
 * Nothing that meters or cuts rests on it: what cannot be seen is said once and
 * missing. Lives in the history's thread, where a look holds up batches alone.
 */
import { networkInterfaces } from "node:os";
import { canonicalAddress } from "../../addresses.ts";
import type { ConnectionsSettings } from "../../config-parts.ts";
import { reasonOf } from "../../errors.ts";
import { boundUdpPorts, listeningPorts } from "../../kernel/bound-ports.ts";
import type { SeenConnections } from "../records.ts";
import { Bpftrace } from "./bpftrace.ts";
import type { ClientConnection, ConnectionSource, Premises } from "./connection-source.ts";
import { FirewallLog } from "./firewall-log.ts";
import { type PortClaims, type ServedPorts, servedPorts } from "./served-ports.ts";
import { tally } from "./tally.ts";
import { TcpSockets } from "./tcp-sockets.ts";
import { TrackedUdp } from "./tracked-udp.ts";

export interface SamplerOptions {
  readonly settings: ConnectionsSettings;
  /** Takes the rows of a look. */
  readonly onLook: (rows: readonly SeenConnections[]) => void;
  /** Told once for each spell of trouble, in a sentence. */
  readonly onTrouble: (why: string) => void;
}

/** How old the list of served ports may be: programs are looked for among all processes. */
const PORTS_MS = 60_000;

export class ConnectionSampler implements Disposable {
  readonly #options: SamplerOptions;
  readonly #sources: readonly ConnectionSource[];
  #claims: PortClaims | undefined;
  #served: ServedPorts | undefined;
  #servedAt = 0;
  #known: ReadonlySet<string> | undefined;
  /** What is in a spell of trouble. */
  readonly #troubled = new Set<string>();

  constructor(options: SamplerOptions) {
    const { firewallLog, bpftrace } = options.settings;
    this.#options = options;
    this.#sources = [
      new TcpSockets(),
      new TrackedUdp(),
      ...(firewallLog ? [new FirewallLog(firewallLog)] : []),
      ...(bpftrace ? [new Bpftrace()] : []),
    ];
  }

  /** Whose ports are looked at, from the next look on; before the first time there is none. */
  claim(claims: PortClaims): void {
    this.#claims = claims;
    this.#served = undefined;
  }

  look(): void {
    if (!this.#claims) return;
    try {
      this.#lookAt(this.#premises(this.#claims));
      this.#troubled.delete("look");
    } catch (error) {
      this.#tell("look", `Cannot look at who is connected: ${reasonOf(error)}`);
    }
  }

  [Symbol.dispose](): void {
    for (const source of this.#sources) source[Symbol.dispose]();
  }

  #lookAt(premises: Premises): void {
    const seen: Record<ConnectionSource["tells"], ClientConnection[]> = { standing: [], begun: [] };
    for (const source of this.#sources) {
      try {
        source.read(premises, (connection) => seen[source.tells].push(connection));
        this.#tell(source.name, source.trouble);
      } catch (error) {
        this.#tell(source.name, `Cannot see clients by ${source.name}: ${reasonOf(error)}`);
      }
    }
    const { rows, known, leftOut } = tally(seen.standing, seen.begun, this.#known);
    this.#known = known;
    this.#tell(
      "room",
      leftOut === 0
        ? undefined
        : `${leftOut} connections were left out of a look at who is connected: there are more than it keeps`,
    );
    this.#options.onLook(rows);
  }

  #premises(claims: PortClaims): Premises {
    const { ports, interfaces } = this.#options.settings;
    const now = performance.now();
    if (!this.#served || now - this.#servedAt >= PORTS_MS) {
      this.#served = servedPorts(claims, ports, { listening: listeningPorts, udp: boundUdpPorts() });
      this.#servedAt = now;
    }
    const own = addressesOf(interfaces);
    return {
      served: this.#served,
      anywhere: interfaces.length === 0,
      isOurs: (address) => own.has(address),
    };
  }

  #tell(what: string, why: string | undefined): void {
    if (why !== undefined && !this.#troubled.has(what)) this.#options.onTrouble(why);
    if (why === undefined) this.#troubled.delete(what);
    else this.#troubled.add(what);
  }
}

/** @param names of interfaces; all of them when empty. */
function addressesOf(names: readonly string[]): ReadonlySet<string> {
  const wanted = Object.entries(networkInterfaces()).filter(
    ([name]) => names.length === 0 || names.includes(name),
  );
  return new Set(
    wanted.flatMap(([, addresses]) =>
      (addresses ?? []).flatMap(({ address }) => canonicalAddress(address) ?? []),
    ),
  );
}
