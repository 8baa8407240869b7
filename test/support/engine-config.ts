/**
 * Configs for real engines on loopback: a server that counts, a client in front.
 *
 * Xray and V2Ray 4 read the same keys and pass over those of the other, but for
 * two: Shadowsocks with several users and `api.listen` are Xray's alone.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Certificate } from "./certificate.ts";

export type EngineKind = "xray" | "v2ray";
export type Protocol = "vless" | "vmess" | "trojan" | "shadowsocks" | "socks";

export interface TestUser {
  readonly email: string;
  /** A UUID: the id of VLESS and VMess, and the password of the others. */
  readonly id: string;
}

/** What carries the protocol: plain TCP, or HTTP that a web server in front can pass on. XHTTP is Xray's alone. */
export type Transport = "raw" | "ws" | "grpc" | "xhttp";

/** A user with an id of his own; the same for the same name. */
export function testUser(email: string): TestUser {
  const digits = createHash("sha256").update(email).digest("hex");
  const id = digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-4$3-a$4-$5");
  return { email, id };
}

export interface ServerInbound {
  readonly tag: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** V2Ray's Shadowsocks takes exactly one. */
  readonly users: readonly TestUser[];
  /** "raw" if left out. */
  readonly transport?: Transport;
  /** VLESS under TLS with the vision flow: downloads that are TLS themselves are spliced. */
  readonly vision?: Certificate;
}

export interface ServerOptions {
  readonly kind: EngineKind;
  /** Gets access.log and error.log. */
  readonly folder: string;
  /** `via` says how the API is reached: its own listener (Xray only) or an inbound with a rule, as everywhere. */
  readonly api: { readonly port: number; readonly via: "listen" | "inbound" };
  readonly services?: readonly string[];
  readonly inbounds: readonly ServerInbound[];
  /** Outbounds above "direct", which is the first, and "blocked". */
  readonly outbounds?: readonly object[];
  /** Routing rules, behind the one for the API. */
  readonly rules?: readonly object[];
}

export const ALL_SERVICES = ["StatsService", "HandlerService", "RoutingService", "LoggerService"];

const LISTEN = "127.0.0.1";
const METHOD = "aes-128-gcm";
const VISION = "xtls-rprx-vision";

/** A server that counts every user of every inbound and lets him go anywhere, this host included. */
export function serverConfig(options: ServerOptions) {
  const { kind, folder, api, services = ALL_SERVICES, inbounds, outbounds = [], rules = [] } = options;
  const listens = api.via === "listen";
  const counted = { statsUserUplink: true, statsUserDownlink: true, statsUserOnline: true };
  return {
    log: { access: join(folder, "access.log"), error: join(folder, "error.log"), loglevel: "warning" },
    stats: {},
    api: { tag: "api", services, ...(listens && { listen: `${LISTEN}:${api.port}` }) },
    policy: {
      levels: { "0": counted },
      system: { statsInboundUplink: true, statsInboundDownlink: true },
    },
    inbounds: [
      ...(listens
        ? []
        : [
            {
              tag: "api-in",
              listen: LISTEN,
              port: api.port,
              protocol: "dokodemo-door",
              settings: { address: LISTEN },
            },
          ]),
      ...inbounds.map(({ tag, protocol, port, users, transport, vision }) => ({
        tag,
        listen: LISTEN,
        port,
        protocol,
        settings: vision ? visionSettings(users) : INBOUND_SETTINGS[protocol](users, kind),
        ...(vision ? { streamSettings: visionServer(vision) } : carriedBy(transport)),
      })),
    ],
    outbounds: [{ tag: "direct", ...FREEDOM }, { tag: "blocked", protocol: "blackhole" }, ...outbounds],
    routing: {
      rules: [
        ...(listens ? [] : [{ type: "field", inboundTag: ["api-in"], outboundTag: "api" }]),
        ...rules.map((rule) => ({ type: "field", ...rule })),
      ],
    },
  };
}

/** Since Xray 26.5.3 freedom keeps remote users away from loopback unless it is told otherwise. */
export const FREEDOM = { protocol: "freedom", settings: { finalRules: [{ action: "allow" }] } } as const;

/** The same for both ends. */
function carriedBy(transport: Transport = "raw"): { readonly streamSettings?: object } {
  return transport === "raw"
    ? {}
    : { streamSettings: { network: transport, ...TRANSPORT_SETTINGS[transport] } };
}

const TRANSPORT_SETTINGS: Record<Exclude<Transport, "raw">, object> = {
  ws: { wsSettings: { path: "/carrier" } },
  grpc: { grpcSettings: { serviceName: "carrier" } },
  xhttp: { xhttpSettings: { path: "/carrier", mode: "auto" } },
};

const INBOUND_SETTINGS: Record<Protocol, (users: readonly TestUser[], kind: EngineKind) => object> = {
  vless: (users) => ({ decryption: "none", clients: users }),
  vmess: (users) => ({ clients: users.map((user) => ({ ...user, alterId: 0 })) }),
  trojan: (users) => ({ clients: users.map(({ email, id }) => ({ email, password: id })) }),
  shadowsocks: (users, kind) => {
    const clients = users.map(({ email, id }) => ({ email, password: id, method: METHOD }));
    if (kind === "xray") return { clients, network: "tcp,udp" };
    const [only, ...others] = clients;
    if (!only || others.length > 0) {
      throw new RangeError(`Cannot give V2Ray's Shadowsocks ${clients.length} users: it takes exactly one`);
    }
    return { ...only, level: 0, network: "tcp,udp" };
  },
  socks: (users) => ({
    auth: "password",
    accounts: users.map(({ email, id }) => ({ user: email, pass: id })),
    udp: false,
  }),
};

function visionSettings(users: readonly TestUser[]): object {
  return { decryption: "none", clients: users.map((user) => ({ ...user, flow: VISION })) };
}

function visionServer({ certificatePath, keyPath }: Certificate): object {
  const certificates = [{ certificateFile: certificatePath, keyFile: keyPath }];
  return { network: "tcp", security: "tls", tlsSettings: { certificates } };
}

export interface ClientOptions {
  /** Where it takes SOCKS5, without a password. */
  readonly socksPort: number;
  readonly protocol: Protocol;
  readonly server: { readonly address: string; readonly port: number };
  readonly user: TestUser;
  /** How many streams share one connection to the server; without it each has its own. */
  readonly mux?: number;
  readonly transport?: Transport;
  /** The certificate of an inbound with vision. */
  readonly vision?: Certificate;
}

/** SOCKS5 in, the protocol out. */
export function clientConfig({ socksPort, protocol, server, user, mux, transport, vision }: ClientOptions) {
  return {
    log: { loglevel: "warning" },
    inbounds: [{ tag: "socks", listen: LISTEN, port: socksPort, protocol: "socks", settings: { udp: true } }],
    outbounds: [
      {
        tag: "out",
        protocol,
        settings: vision ? visionOutbound(server, user) : OUTBOUND_SETTINGS[protocol](server, user),
        ...(vision ? { streamSettings: visionClient(vision) } : carriedBy(transport)),
        ...(mux !== undefined && { mux: { enabled: true, concurrency: mux } }),
      },
    ],
  };
}

type OutboundSettings = (server: ClientOptions["server"], user: TestUser) => object;

const OUTBOUND_SETTINGS: Record<Protocol, OutboundSettings> = {
  vless: (server, { id }) => ({ vnext: [{ ...server, users: [{ id, encryption: "none" }] }] }),
  vmess: (server, { id }) => ({ vnext: [{ ...server, users: [{ id, alterId: 0, security: "auto" }] }] }),
  trojan: (server, { id }) => ({ servers: [{ ...server, password: id }] }),
  shadowsocks: (server, { id }) => ({ servers: [{ ...server, method: METHOD, password: id }] }),
  socks: (server, { email, id }) => ({ servers: [{ ...server, users: [{ user: email, pass: id }] }] }),
};

const visionOutbound: OutboundSettings = (server, { id }) => ({
  vnext: [{ ...server, users: [{ id, encryption: "none", flow: VISION }] }],
});

/** It knows this one certificate, and no other. */
function visionClient({ name, certificatePath }: Certificate): object {
  const certificates = [{ usage: "verify", certificateFile: certificatePath }];
  return {
    network: "tcp",
    security: "tls",
    tlsSettings: { serverName: name, disableSystemRoot: true, certificates },
  };
}
