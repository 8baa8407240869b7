/**
 * What a line of an engine's access log says of a host.
 *
 * The service is the inbound's protocol for a name, "IP" for an address: behind
 * an address the client may have named a host inside of TLS, which only the
 * packets show.
 *
 * Pure: no I/O, no state between calls.
 */
import type { AccessLine } from "../../logs/access-log.ts";
import type { UserName } from "../../names.ts";
import type { UnixTime } from "../../units.ts";
import type { Service, Sighting } from "../sighting.ts";
import { clientAddress } from "./client-address.ts";

/** What the engine's config says of its tags. */
export interface EngineTags {
  /** The outbounds that engines keep for their own API: "api" almost everywhere. Their lines are not about clients. */
  readonly apiTags: readonly string[];
  /**
   * The protocol of an inbound as the config spells it. V2Ray's lines have no inbound: then it may be told
   * by the user, if he is in inbounds of one protocol alone.
   */
  protocolOf(inbound: string | undefined, user: UserName | undefined): string | undefined;
}

const SERVICES: ReadonlyMap<string, Service> = new Map([
  ["vmess", "VMESS"],
  ["vless", "VLESS"],
  ["trojan", "TROJAN"],
  ["shadowsocks", "SHADOWSOCKS"],
]);

const ADDRESS = /^\d{1,3}(?:\.\d{1,3}){3}$|:/;

/** @returns undefined for a line of the engine's own API, and where the destination is masked. */
export function accessSighting(line: AccessLine, tags: EngineTags, at: UnixTime): Sighting | undefined {
  const { destination, inbound, outbound, user } = line;
  if (!destination || (outbound !== undefined && tags.apiTags.includes(outbound))) return undefined;
  const protocol = tags.protocolOf(inbound, user);
  return {
    host: destination.host,
    service: ADDRESS.test(destination.host) ? "IP" : serviceOfProtocol(protocol),
    source: clientAddress(line.client?.address),
    at,
    ...(user !== undefined && { account: user }),
  };
}

/** The service of an inbound's protocol; "XRAY" for one that has no name of its own. */
export function serviceOfProtocol(protocol: string | undefined): Service {
  return SERVICES.get(protocol ?? "") ?? "XRAY";
}
