/** What carries a gated user's downloads: each is stopped in a way of its own, so each has rows of its own. */
import type { Protocol } from "../support/engine-config.ts";

export interface Carrier {
  readonly name: string;
  /** Spoken between client engine and server engine. */
  readonly protocol: Protocol;
  /** How many streams share one connection to the server; without it each has its own. */
  readonly mux?: number;
  /** Under TLS, with the vision flow. */
  readonly vision?: true;
  /** What travels inside; a plain stream if left out. */
  readonly inside?: "tls" | "datagrams";
}

export const CARRIERS: readonly Carrier[] = [
  { name: "VLESS", protocol: "vless" },
  { name: "VMess", protocol: "vmess" },
  { name: "Trojan", protocol: "trojan" },
  { name: "Shadowsocks", protocol: "shadowsocks" },
  { name: "VLESS with mux", protocol: "vless", mux: 8 },
  { name: "UDP over VLESS", protocol: "vless", inside: "datagrams" },
  // The engine leaves these two to the kernel (splice), and counts them when they end.
  { name: "VLESS with vision, TLS inside", protocol: "vless", vision: true, inside: "tls" },
  { name: "SOCKS", protocol: "socks" },
];
