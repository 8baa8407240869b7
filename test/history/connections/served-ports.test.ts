import { describe, expect, test } from "vitest";
import { type PortClaims, servedPorts } from "../../../src/history/connections/served-ports.ts";

const CLAIMS: PortClaims = {
  ports: [
    { service: "xray", transports: ["tcp", "udp"], ports: [443, 8443] },
    { service: "openvpn", transports: ["udp"], ports: [1194] },
  ],
  programs: [{ service: "ssh", names: ["sshd", "dropbear"] }],
};
const TAKEN = {
  listening: (names: ReadonlySet<string>) => (names.has("dropbear") ? [22, 443] : []),
  udp: new Set([443, 1194, 53]),
};

function tablesOf(listed: readonly number[] | "auto") {
  const { tcp, udp } = servedPorts(CLAIMS, listed, TAKEN);
  return { tcp: Object.fromEntries(tcp), udp: Object.fromEntries(udp) };
}

describe("servedPorts()", () => {
  test("takes what is claimed, UDP where a socket is bound, a port for the first that claims it", () => {
    expect(tablesOf("auto")).toEqual({
      tcp: { 22: "ssh", 443: "xray", 8443: "xray" },
      udp: { 443: "xray", 1194: "openvpn" },
    });
  });

  test("takes the ports that are listed and no others, each for the service that claims it", () => {
    expect(tablesOf([22, 53, 1194])).toEqual({
      tcp: { 22: "ssh", 53: "other", 1194: "other" },
      udp: { 53: "other", 1194: "openvpn" },
    });
  });

  test("takes none where none is listed", () => {
    expect(tablesOf([])).toEqual({ tcp: {}, udp: {} });
  });
});
