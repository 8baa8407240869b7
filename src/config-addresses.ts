/**
 * Where things listen, as the settings write it.
 *
 * Pure: no clock, no I/O.
 */

/** A TCP address to listen on or connect to. IPv6 stands without brackets here. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/**
 * The engine's API as gRPC names it: "127.0.0.1:10085", "[::1]:10085",
 * "unix:/run/xray/api.sock" (also written as the bare path) or
 * "unix-abstract:name" (also written "@name", as in Xray's own config).
 *
 * @throws {SyntaxError} for anything else.
 */
export function parseApi(text: string): string {
  const socket = /^(?:unix:)?(\/[^\0]+)$/.exec(text);
  if (socket) return `unix:${socket[1]}`;
  const abstract = /^(?:unix-abstract:|@)([^\0]+)$/.exec(text);
  if (abstract) return `unix-abstract:${abstract[1]}`;
  if (readHostAndPort(text)) return text;
  throw new SyntaxError(
    `Cannot read an address: expected "host:port", "[IPv6]:port", "unix:/path", "/path", "unix-abstract:name" or "@name", got "${text}"`,
  );
}

/** @throws {SyntaxError} unless `text` is "host:port" or "[IPv6]:port", the port from 1 to 65535. */
export function parseHostAndPort(text: string): HostAndPort {
  const address = readHostAndPort(text);
  if (address) return address;
  throw new SyntaxError(`Cannot read an address: expected "host:port" or "[IPv6]:port", got "${text}"`);
}

/**
 * OpenVPN's management interface: a socket's path, or "host:port" for one on TCP.
 *
 * @throws {SyntaxError} for anything else.
 */
export function parseManagement(text: string): string {
  if (/^\/[^\0]+$/.test(text) || readHostAndPort(text)) return text;
  throw new SyntaxError(`Cannot read an address: expected "/path" or "host:port", got "${text}"`);
}

function readHostAndPort(text: string): HostAndPort | undefined {
  const match =
    /^(?:\[(?<v6>[\da-fA-F:.]*:[\da-fA-F:.]*)\]|(?<name>[A-Za-z\d](?:[\w.-]*[A-Za-z\d])?)):(?<port>[1-9]\d{0,4})$/.exec(
      text,
    );
  const { v6, name, port } = match?.groups ?? {};
  const host = v6 ?? name;
  // gRPC would take these for the name of a scheme.
  if (host === undefined || host === "unix" || host === "dns" || Number(port) > 65_535) return undefined;
  return { host, port: Number(port) };
}
