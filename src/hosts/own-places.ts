/**
 * Names and addresses of this host itself: what its clients come to is not what they ask for.
 *
 * Set-up scripts leave the domain and the public address in files; the interfaces
 * know the rest. Both change while the capture runs, so they are looked at again.
 */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { addressBytes } from "../addresses.ts";
import { codeOf } from "../errors.ts";
import { type Hostname, parseHostname } from "./hostname.ts";

/** One name or address a line, or `IP=name`. */
const PLACE_FILES: readonly string[] = [
  "/etc/xray/domain",
  "/etc/v2ray/domain",
  "/root/domain",
  "/var/lib/scrz-prem/ipvps.conf",
  "/etc/myipvps",
];
/** Interfaces through which clients of a tunnel come. */
const TUNNEL = /^(?:tun|tap)/;

/** A range of addresses: the first `bits` of `address` say who is in it. */
interface Network {
  readonly address: Uint8Array;
  readonly bits: number;
}

export class OwnPlaces {
  readonly #configured: readonly string[];
  readonly #files: readonly string[];
  /** What each file said when it was last read. */
  readonly #read = new Map<string, readonly string[]>();
  #names: ReadonlySet<string> = new Set();
  /** Of this host's interfaces, private ones and the loopback among them, as bytes in Latin-1. */
  #addresses: ReadonlySet<string> = new Set();
  #tunnels: readonly Network[] = [];

  /** @param configured the settings' own domains. */
  constructor(configured: readonly string[], files: readonly string[] = PLACE_FILES) {
    this.#configured = configured;
    this.#files = files;
    this.refresh();
  }

  /** Looks again at the files and the interfaces. */
  refresh(): void {
    const interfaces = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
      (list ?? []).map(({ address, cidr }) => ({ name, address, cidr })),
    );
    const texts = [
      ...this.#configured,
      ...this.#files.flatMap((path) => this.#placesIn(path)),
      ...interfaces.map(({ address }) => address),
    ];
    this.#names = new Set(texts.map(parseHostname).filter((host) => typeof host === "string"));
    this.#addresses = new Set(interfaces.map(({ address }) => keyOf(addressBytes(address))));
    this.#tunnels = interfaces.flatMap(({ name, address, cidr }) =>
      TUNNEL.test(name) && cidr !== null
        ? [{ address: addressBytes(address), bits: Number(cidr.split("/")[1]) }]
        : [],
    );
  }

  has(host: Hostname): boolean {
    return this.#names.has(host);
  }

  /** Whether a packet's address is one of this host, or of any host's loopback. */
  hasAddress(address: Uint8Array): boolean {
    return isLoopback(address) || this.#addresses.has(keyOf(address));
  }

  /** Whether it is that of a client behind a tunnel's interface. */
  isTunnelled(address: Uint8Array): boolean {
    return (
      this.#tunnels.some((network) => contains(network, address)) && !this.#addresses.has(keyOf(address))
    );
  }

  /** As last read, where a file cannot be read: some keep theirs to root, and a failure must not list our own names. */
  #placesIn(path: string): readonly string[] {
    try {
      const places = readFileSync(path, "latin1")
        .split("\n")
        .map((line) => line.replace(/^\s*\w+=/, "").replace(/^["'\s]+|["'\s]+$/g, ""))
        .filter((place) => place !== "");
      this.#read.set(path, places);
    } catch (error) {
      if (codeOf(error) === "ENOENT") this.#read.delete(path); // most hosts have few of them
    }
    return this.#read.get(path) ?? [];
  }

  /** The first of the names, for a title. */
  get domain(): string | undefined {
    return [...this.#names].find((name) => /[a-z]/.test(name) && !name.includes(":"));
  }

  /** The first public address. */
  get address(): string | undefined {
    return [...this.#names].find((name) => /^[\d.]+$/.test(name));
  }
}

function contains({ address, bits }: Network, candidate: Uint8Array): boolean {
  if (candidate.length !== address.length) return false;
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = 0xff & ~(0xff >> Math.min(8, bits - bit));
    if ((((address[bit / 8] ?? 0) ^ (candidate[bit / 8] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** Of any host: 127.0.0.0/8 and ::1. */
function isLoopback(address: Uint8Array): boolean {
  if (address.length === 4) return address[0] === 127;
  return address[15] === 1 && address.subarray(0, 15).every((byte) => byte === 0);
}

function keyOf(address: Uint8Array): string {
  return Buffer.from(address).toString("latin1");
}
