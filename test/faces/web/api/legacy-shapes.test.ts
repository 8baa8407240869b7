/** Field by field as the older dashboards answered. */
import { describe, expect, test } from "vitest";
import type { OpenvpnLoginRow } from "../../../../src/control/rows.ts";
import {
  type LegacyTexts,
  legacyClients,
  legacyHours,
  legacyMarkers,
  legacyStats,
  legacySummary,
  legacyTraffic,
} from "../../../../src/faces/web/api/legacy-shapes.ts";
import type { ClientAddress } from "../../../../src/history/records.ts";

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const NOW = Date.UTC(2026, 10, 21, 12, 0, 52);
const texts: LegacyTexts = {
  time: (at) => new Date(at).toISOString().slice(0, 19).replace("T", " "),
  address: (address) => address,
  ports: true,
};
const forViewers: LegacyTexts = {
  ...texts,
  address: (address) => address.replace(/\d+$/, "0"),
  ports: false,
};

function login(of: Partial<OpenvpnLoginRow>): OpenvpnLoginRow {
  return {
    ...{ server: "server", user: "bea", commonName: "bea", clientId: 1, realAddress: "203.0.113.7:49890" },
    ...{
      addresses: ["10.8.0.2"],
      subnets: [],
      sinceMs: NOW - 52_000,
      uplinkBytes: 3 * MIB,
      downlinkBytes: 2 * GIB,
    },
    ...{ denied: false, ...of },
  };
}

function client(address: string, open: number, lastSeen = NOW): ClientAddress {
  return { address, service: "xray", firstSeen: 0, lastSeen, open };
}

const placeOf = (address: string) => {
  if (address.startsWith("10.")) return "private";
  const country = { 203: "IR", 198: "DE" }[address.slice(0, 3)];
  return country === undefined ? undefined : { country, city: "", latitude: 1, longitude: 2 };
};

describe("/api/clients", () => {
  test("has a login's bytes, times and addresses", () => {
    expect(legacyClients([login({})], NOW, texts)).toEqual({
      clients: [
        {
          ...{ common_name: "bea", real_ip: "203.0.113.7", port: "49890" },
          ...{ bytes_received: 3 * MIB, bytes_sent: 2 * GIB },
          ...{ connected_since: "2026-11-21 12:00:00", time_online: "0:00:52" },
          ...{ vpn_ip: "10.8.0.2", vpn_ipv4: "10.8.0.2", vpn_ipv6: null },
        },
      ],
    });
  });

  test.each([
    ["IPv6 alone", { addresses: ["fd00::2"] }, { vpn_ip: "fd00::2", vpn_ipv4: null, vpn_ipv6: "fd00::2" }],
    ["no address in the tunnel", { addresses: [] }, { vpn_ip: null, vpn_ipv4: null, vpn_ipv6: null }],
    ["no port", { realAddress: "203.0.113.7" }, { real_ip: "203.0.113.7", port: "" }],
    ["days online", { sinceMs: NOW - 90_061_000 }, { time_online: "1 day, 1:01:01" }],
  ])("with %s", (_, of, fields) => {
    expect(legacyClients([login(of)], NOW, texts).clients).toEqual([expect.objectContaining(fields)]);
  });

  test("has a network and no port for a viewer", () => {
    expect(legacyClients([login({})], NOW, forViewers).clients).toEqual([
      expect.objectContaining({ real_ip: "203.0.113.0", port: "" }),
    ]);
  });
});

describe("/api/clients/summary", () => {
  const total = (account: string, up: number) => ({
    ...{ account, sessions: 2, durationMs: 3_661_999, up, down: 0.0004 * GIB, lastSeen: NOW - 3_600_000 },
  });

  test("has everybody by lower-case name, and the latest session of who is there", () => {
    const logins = [login({}), login({ clientId: 2, sinceMs: NOW - 7_000, realAddress: "203.0.113.8:1" })];
    const { clients } = legacySummary([total("Zoe", 1.2345 * GIB), total("bea", GIB)], logins, NOW, texts);
    expect(clients).toEqual([
      {
        ...{ name: "bea", is_online: true, sessions: 2, total_duration_seconds: 3_661 },
        ...{
          total_duration_human: "1:01:01",
          total_rx_gb: 1,
          total_tx_gb: 0,
          last_seen: "2026-11-21 12:00:52",
        },
        current_session: {
          ...{ connected_since: "2026-11-21 12:00:45", time_online: "0:00:07", ip: "203.0.113.8", port: "1" },
          ...{ vpn_ip: "10.8.0.2", vpn_ipv4: "10.8.0.2", vpn_ipv6: null },
          ...{ bytes_received_gb: 0.003, bytes_sent_gb: 2 },
        },
      },
      {
        ...{ name: "Zoe", is_online: false, sessions: 2, total_duration_seconds: 3_661 },
        ...{
          total_duration_human: "1:01:01",
          total_rx_gb: 1.235,
          total_tx_gb: 0,
          last_seen: "2026-11-21 11:00:52",
        },
      },
    ]);
  });

  test("has who came so lately that the history lacks him, and null for who was never seen", () => {
    const { clients } = legacySummary([{ ...total("amy", 0), lastSeen: 0 }], [login({})], NOW, texts);
    expect(clients).toEqual([
      expect.objectContaining({ name: "amy", last_seen: null }),
      expect.objectContaining({ name: "bea", sessions: 1, total_duration_seconds: 52, total_tx_gb: 2 }),
    ]);
  });
});

test("/api/server-status sums the logins that last, in MiB", () => {
  expect(legacyTraffic([login({}), login({ uplinkBytes: 12_345, downlinkBytes: 0 })])).toEqual({
    ...{ clients: 2, total_rx: 3.01, total_tx: 2048 },
  });
});

describe("/api/stats", () => {
  test("counts addresses once, by country, ten at most", () => {
    const lastHour = [
      client("203.0.113.1", 5),
      { ...client("203.0.113.1", 1), service: "ssh" },
      client("198.51.100.1", 9),
      client("203.0.113.2", 0),
      client("10.0.0.1", 1),
      client("192.0.2.1", 1),
    ];
    expect(
      legacyStats({ lastHalfMinute: lastHour.slice(0, 3), lastHour }, { up: 1, down: 2 }, placeOf),
    ).toEqual({
      active_connections: 2,
      top_countries: [
        { country: "IR", count: 2 },
        { country: "DE", count: 1 },
      ],
      ...{ bytes_received: 1, bytes_sent: 2 },
    });
    const many = Array.from({ length: 30 }, (_, index) => client(`2001:db8::${index}`, 1));
    const everywhere = (address: string) => ({
      country: address.slice(10),
      city: "",
      latitude: 0,
      longitude: 0,
    });
    expect(
      legacyStats({ lastHalfMinute: [], lastHour: many }, { up: 0, down: 0 }, everywhere).top_countries,
    ).toHaveLength(10);
  });
});

describe("/api/map-data", () => {
  test("has a marker for each address whose place is known", () => {
    const clients = [
      client("203.0.113.1", 5),
      { ...client("203.0.113.1", 1), service: "ssh" },
      client("203.0.113.2", 2),
      client("10.0.0.1", 1),
    ];
    const marker = (ip: string, count: number) => ({ ip, country: "IR", city: "", lat: 1, lon: 2, count });
    expect(legacyMarkers(clients, placeOf, texts)).toEqual({
      markers: [marker("203.0.113.1", 6), marker("203.0.113.2", 2)],
    });
    expect(legacyMarkers(clients, placeOf, forViewers)).toEqual({ markers: [marker("203.0.113.0", 8)] });
  });
});

test("/api/history?hours= has whole hours of local time", () => {
  const at = Date.UTC(2026, 10, 21, 20);
  const half = { ...texts, time: (moment: number) => texts.time(moment + 3.5 * 3_600_000) };
  expect(legacyHours([{ at, addresses: 3, connections: 9 }], half)).toEqual({
    history: [{ hour: "2026-11-21 23:00:00", unique_ips: 3, total: 9 }],
  });
});
