/**
 * Clients' addresses, as whoever asks may see them. Admins and the programs they
 * gave a token to see them whole. A viewer sees the network: the first 24 bits of
 * IPv4, the first 48 of IPv6, which tell a country and a carrier and not a person.
 */
import { isIP } from "node:net";
import { addressText } from "../../../address-text.ts";
import { addressBytes } from "../../../addresses.ts";
import { splitEndpoint } from "../../../endpoint-text.ts";
import type { Viewer } from "../viewer.ts";

/** How an address, and a text with addresses in it, are shown to somebody. */
export interface AddressView {
  /** Of an address without a port; anything else is "" for who may not see it. */
  address(address: string): string;
  /** Of "10.0.0.1:1194", "[2001:db8::1]:1194" or an address alone. */
  endpoint(endpoint: string): string;
  /** Every address in a sentence. */
  text(sentence: string): string;
}

const WHOLE: AddressView = { address: (it) => it, endpoint: (it) => it, text: (it) => it };

const NETWORKS: AddressView = {
  address: networkOf,
  endpoint: (endpoint) => networkOf(splitEndpoint(endpoint).address),
  text: (sentence) =>
    sentence
      .replace(/\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?/g, (word) => networkOf(splitEndpoint(word).address) || word)
      .replace(/[\da-f]*:[\da-f:.]*[\da-f]/gi, (word) => networkOf(word) || word),
};

export function seesWholeAddresses({ role, scopes }: Viewer): boolean {
  return scopes !== undefined || role === "admin";
}

export function addressViewOf(viewer: Viewer): AddressView {
  return seesWholeAddresses(viewer) ? WHOLE : NETWORKS;
}

function networkOf(address: string): string {
  if (isIP(address) === 0) return "";
  const bytes = addressBytes(address);
  return addressText(bytes.fill(0, bytes.length === 4 ? 3 : 6));
}
