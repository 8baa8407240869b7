import { describe, expect, test } from "vitest";
import { portClaims } from "../../src/daemon/connection-ports.ts";
import { readEngineConfig } from "../../src/sources/xray/engine-config.ts";

function engine(inbounds: readonly object[], apiPort?: number) {
  return { config: readEngineConfig(JSON.stringify({ api: { tag: "api" }, inbounds })), apiPort };
}

const API = { tag: "api", listen: "127.0.0.1", port: 10_085, protocol: "dokodemo-door" };
const NONE = { engines: [], openvpn: [], ssh: false };

describe("portClaims()", () => {
  test("claims the inbounds that can be reached, for TCP and UDP", () => {
    const engines = [
      engine([API, { port: "443,2000-2002", protocol: "vless" }]),
      engine([{ port: 8388, protocol: "shadowsocks", listen: "0.0.0.0" }]),
    ];
    expect(portClaims({ ...NONE, engines })).toEqual({
      ports: [
        { service: "xray", transports: ["tcp", "udp"], ports: [443, 2000, 2001, 2002] },
        { service: "xray", transports: ["tcp", "udp"], ports: [8388] },
      ],
      programs: [],
    });
  });

  test.for([
    ["loopback's address", { port: 10_001, listen: "127.0.0.1" }],
    ["IPv6's", { port: 10_001, listen: "::1" }],
    ["its name", { port: 10_001, listen: "localhost" }],
    ["a Unix socket", { listen: "/run/xray/vless.sock" }],
    ["an abstract one", { listen: "@vless" }],
  ] as const)("claims the ports of a proxy in front where engines listen at %s", ([, inbound]) => {
    const claims = portClaims({ ...NONE, engines: [engine([API, { ...inbound, protocol: "vless" }])] });
    expect(claims).toEqual({
      ports: [],
      programs: [{ service: "xray", names: ["nginx", "haproxy", "caddy", "traefik"] }],
    });
  });

  test("claims no proxy's where one inbound can be reached: it may well serve something else", () => {
    const inner = { port: 10_001, listen: "127.0.0.1", protocol: "trojan" };
    const { programs } = portClaims({ ...NONE, engines: [engine([inner]), engine([{ port: 443 }])] });
    expect(programs).toEqual([]);
  });

  test("claims nothing for the API's own inbound, by its tag or its port, whatever it listens on", () => {
    const open = { port: 10_085, protocol: "dokodemo-door" };
    const engines = [engine([{ ...open, tag: "api" }]), engine([open], 10_085)];
    expect(portClaims({ ...NONE, engines })).toEqual({ ports: [], programs: [] });
  });

  test("claims an OpenVPN server's port for its transport, and SSH daemons by their names", () => {
    const openvpn = [{ protocol: "udp6", port: 1194 }, { protocol: "tcp-server", port: 443 }, undefined];
    expect(portClaims({ engines: [{ config: undefined, apiPort: 1 }], openvpn, ssh: true })).toEqual({
      ports: [
        { service: "openvpn", transports: ["udp"], ports: [1194] },
        { service: "openvpn", transports: ["tcp"], ports: [443] },
      ],
      programs: [{ service: "ssh", names: ["sshd", "dropbear", "dropbearmulti"] }],
    });
  });
});
