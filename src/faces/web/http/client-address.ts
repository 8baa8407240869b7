/**
 * Whose a request is: the peer's, or, where that is a trusted proxy, the client's that
 * it tells of in X-Forwarded-For.
 *
 * Each proxy appends the address it was called from, so the list is believed from
 * its right end, as far as those who wrote it are trusted. What a client put there
 * himself stands further left.
 */
import { BlockList, isIP } from "node:net";
import { addressBytes, canonicalAddress } from "../../../addresses.ts";

export class TrustedProxies {
  readonly #list = new BlockList();
  readonly isEmpty: boolean;

  /** @param networks addresses or "10.0.0.0/8", as the settings have checked them. */
  constructor(networks: readonly string[]) {
    this.isEmpty = networks.length === 0;
    for (const network of networks) {
      const [address = "", prefix] = network.split("/");
      const family = isIP(address) === 4 ? "ipv4" : "ipv6";
      if (prefix === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(prefix), family);
    }
  }

  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 4 ? "ipv4" : "ipv6");
  }

  /** @param peer in its shortest spelling. @param forwarded X-Forwarded-For; undefined without. */
  clientOf(peer: string, forwarded: string | undefined): string {
    const hops = forwarded?.split(",") ?? [];
    let client = peer;
    while (this.has(client)) {
      const before = spelled(hops.pop() ?? "");
      if (before === undefined) break;
      client = before;
    }
    return client;
  }
}

/** Some proxies write the port too. */
function spelled(hop: string): string | undefined {
  const text = hop.trim();
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
  return canonicalAddress(bare);
}

/** By what a client is counted: one has 2^64 addresses of IPv6, and only one network of them. */
export function limitKey(address: string): string {
  if (isIP(address) === 0) return address;
  const bytes = addressBytes(address);
  return bytes.length === 4 ? address : `${bytes.subarray(0, 8).toString("hex")}/64`;
}
