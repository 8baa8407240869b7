/**
 * Which local ports clients come to, and of which service each is.
 *
 * The daemon claims ports by what config files say, and programs whose listening
 * ports count; here both become two tables. A port belongs to the first that
 * claims it. UDP counts only where a socket is bound: most inbounds have none.
 *
 * Pure: no clock, no I/O.
 */

export type Transport = "tcp" | "udp";

/** What the daemon knows of ports. A plain value: it crosses to another thread. */
export interface PortClaims {
  readonly ports: readonly {
    /** "xray", "ssh", "openvpn". */
    readonly service: string;
    readonly transports: readonly Transport[];
    readonly ports: readonly number[];
  }[];
  /** Every TCP port at which such a program takes connections from outside is the service's. */
  readonly programs: readonly { readonly service: string; readonly names: readonly string[] }[];
}

/** From a port to its service. */
export type ServedPorts = Readonly<Record<Transport, ReadonlyMap<number, string>>>;

/** What this host's programs have taken. */
export interface TakenPorts {
  listening(programs: ReadonlySet<string>): readonly number[];
  readonly udp: ReadonlySet<number>;
}

/** The service of a port that the settings list and nobody claims. */
const OTHER = "other";

/** @param listed `connections.ports`: those ports and no others, or "auto" for all that are claimed. */
export function servedPorts(
  claims: PortClaims,
  listed: readonly number[] | "auto",
  taken: TakenPorts,
): ServedPorts {
  const claimed = { tcp: new Map<number, string>(), udp: new Map<number, string>() };
  const claim = (transport: Transport, port: number, service: string) => {
    if (!claimed[transport].has(port)) claimed[transport].set(port, service);
  };
  for (const { service, transports, ports } of claims.ports) {
    for (const transport of transports) for (const port of ports) claim(transport, port, service);
  }
  for (const { service, names } of claims.programs) {
    for (const port of taken.listening(new Set(names))) claim("tcp", port, service);
  }
  const isBound = ([port]: readonly [number, string]) => taken.udp.has(port);
  if (listed === "auto") return { tcp: claimed.tcp, udp: new Map([...claimed.udp].filter(isBound)) };
  const pick = (transport: Transport) =>
    listed.map((port) => [port, claimed[transport].get(port) ?? OTHER] as const);
  return { tcp: new Map(pick("tcp")), udp: new Map(pick("udp").filter(isBound)) };
}
