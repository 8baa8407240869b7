/**
 * An address and its port, as logs and servers write them together.
 *
 * Pure: no clock, no I/O.
 */

export interface EndpointText {
  readonly address: string;
  /** "" where there is none. */
  readonly port: string;
}

/** "10.0.0.1:1194" and "[2001:db8::1]:1194"; anything else is an address without a port. */
export function splitEndpoint(text: string): EndpointText {
  const { four, six, port } =
    /^(?:(?<four>[^:[\]]+)|\[(?<six>[^\]]+)\]):(?<port>\d+)$/.exec(text)?.groups ?? {};
  return { address: four ?? six ?? text, port: port ?? "" };
}
