/**
 * Which addresses this host goes by: as the settings say, as set-up scripts left
 * it in a file, else as an interface has it. Nobody outside is asked.
 */
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { canonicalAddress } from "../../../addresses.ts";
import { parseHostname } from "../../../hosts/hostname.ts";

/** Where set-up scripts leave the public address; most hosts have none. */
export const IP_FILE = "/etc/myipvps";

/** An interface's name and one of its addresses. */
export interface InterfaceAddress {
  readonly name: string;
  readonly address: string;
  /** Loopback. */
  readonly internal: boolean;
}

export interface OwnAddresses {
  /** "" is not known. */
  readonly localAddress: string;
  readonly publicAddress: string;
  /** "settings", the file, or the interface's name; "" is not known. */
  readonly publicFrom: string;
}

export interface ConfiguredAddresses {
  readonly localAddress: string | null;
  readonly publicAddress: string | null;
}

export async function ownAddresses(configured: ConfiguredAddresses, file = IP_FILE): Promise<OwnAddresses> {
  const text = configured.publicAddress === null ? await readFile(file, "latin1").catch(() => "") : "";
  return chosenAddresses(configured, { file, text }, interfaceAddresses());
}

/** @param left the file's path and text, one address or `IP=address` a line; "" where it cannot be read. */
export function chosenAddresses(
  configured: ConfiguredAddresses,
  left: { readonly file: string; readonly text: string },
  interfaces: readonly InterfaceAddress[],
): OwnAddresses {
  const outside = interfaces.filter(
    ({ internal, name }) => !internal && !/^(?:tun|tap|docker|br-|veth)/.test(name),
  );
  // IPv4 first: it is what operators give to their customers.
  const ordered = outside.toSorted((one, other) => isIP(one.address) - isIP(other.address));
  const open = ordered.find(({ address }) => typeof parseHostname(address) === "string");
  const written = left.text
    .split("\n")
    .map((line) => canonicalAddress(line.replace(/^\s*\w+=/, "").replace(/^["'\s]+|["'\s]+$/g, "")))
    .find((address) => address !== undefined);
  const localAddress = configured.localAddress ?? ordered[0]?.address ?? "";
  const found = (publicAddress: string, publicFrom: string) => ({ localAddress, publicAddress, publicFrom });
  if (configured.publicAddress !== null) return found(configured.publicAddress, "settings");
  if (written !== undefined) return found(written, left.file);
  return open ? found(open.address, open.name) : found("", "");
}

function interfaceAddresses(): InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, internal }) => ({ name, address, internal })),
  );
}
