/**
 * The three hosts of `namespaces.ts` with public addresses above their private ones, for
 * what treats the two differently.
 *
 *   client  203.0.113.2 ---- 203.0.113.1  server  198.51.100.1 ---- 198.51.100.2  far
 *
 * RFC 5737 keeps them for documents: they are nobody's.
 */
import { type Network, openNetwork } from "./namespaces.ts";

export const CLIENT = "203.0.113.2";
export const SERVER = "203.0.113.1";
export const SERVER_OUTSIDE = "198.51.100.1";
export const FAR = "198.51.100.2";

export async function openPublicNetwork(): Promise<Network> {
  const network = await openNetwork();
  const { client, server, far } = network;
  await client.run("ip", ["address", "add", `${CLIENT}/24`, "dev", "server"]);
  await server.run("ip", ["address", "add", `${SERVER}/24`, "dev", "client"]);
  await server.run("ip", ["address", "add", `${SERVER_OUTSIDE}/24`, "dev", "far"]);
  await far.run("ip", ["address", "add", `${FAR}/24`, "dev", "server"]);
  return network;
}
