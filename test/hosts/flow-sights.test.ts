import { describe, expect, test } from "vitest";
import { addressBytes } from "../../src/addresses.ts";
import type { FlowOwner, FlowQuestion } from "../../src/hosts/enforcer-line.ts";
import { FlowSights, type FlowSightsOptions } from "../../src/hosts/flow-sights.ts";
import { NamedAddresses } from "../../src/hosts/named-addresses.ts";
import { OwnPlaces } from "../../src/hosts/own-places.ts";
import type { FlowSight } from "../../src/hosts/packets/flow-table.ts";
import type { Sighting } from "../../src/hosts/sighting.ts";
import { Whereabouts } from "../../src/hosts/whereabouts.ts";
import { userName } from "../../src/names.ts";
import { unixTime } from "../../src/units.ts";
import { NOW, sight } from "./opened-store.ts";

const JOE = userName("joe");
const [OWN, CLIENT, FAR] = ["127.0.0.1", "198.51.100.7", "203.0.113.9"] as const;

/** What becomes of flows; the enforcer says of each that it is `owner`'s. */
function sights(options: Partial<FlowSightsOptions> & { readonly owner?: FlowOwner } = {}) {
  const seen: Sighting[] = [];
  const asked: FlowQuestion[] = [];
  const whereabouts = new Whereabouts();
  const named = new NamedAddresses();
  const flows = new FlowSights({
    own: new OwnPlaces([], []),
    direction: "both",
    enforcer: {
      ask: (flow, answer) => {
        asked.push(flow);
        answer(options.owner);
      },
    },
    whereabouts,
    named,
    serviceOf: () => "TROJAN",
    onSight: (sighting) => seen.push(sighting),
    ...options,
  });
  return { flows, seen, asked, whereabouts, named };
}

function flow(source: string, destination: string, more: Partial<FlowSight> = {}): FlowSight {
  return {
    names: [{ name: "a.example", service: "SNI" }],
    protocol: "tcp",
    source: addressBytes(source),
    sourcePort: 40_000,
    destination: addressBytes(destination),
    destinationPort: 443,
    outgoing: undefined,
    at: NOW,
    ...more,
  };
}

describe("FlowSights.take()", () => {
  test.for([
    { name: "a client's flow to this host", source: CLIENT, destination: OWN, seen: { source: CLIENT } },
    { name: "a flow of this host to itself", source: OWN, destination: OWN, seen: { source: undefined } },
    { name: "a flow that passes through", source: CLIENT, destination: FAR, seen: { source: CLIENT } },
    { name: "a flow of this host's own", source: OWN, destination: FAR, seen: { source: undefined } },
  ])("tells of $name as it is", ({ source, destination, seen }) => {
    const taken = sights();
    taken.flows.take(flow(source, destination));
    expect(taken.seen).toEqual([{ host: "a.example", service: "SNI", at: NOW, ...seen }]);
  });

  test("tells of every name, and which may be outer ones", () => {
    const { flows, seen } = sights();
    const names = [
      { name: "outer.example", service: "QUIC", ech: true },
      { name: "b.example", service: "Header-Host" },
    ] as const;
    flows.take(flow(CLIENT, OWN, { names }));
    expect(seen).toEqual([
      { host: "outer.example", service: "QUIC", source: CLIENT, at: NOW, ech: true },
      { host: "b.example", service: "Header-Host", source: CLIENT, at: NOW },
    ]);
  });

  test("tells the address of a flow without a name", () => {
    const { flows, seen } = sights();
    flows.take(flow(OWN, FAR, { names: undefined }));
    expect(seen).toEqual([{ host: FAR, service: "IP", source: undefined, at: NOW }]);
  });

  test("puts an account's flow down to him, his service and where he was last", () => {
    const { flows, seen, asked, whereabouts } = sights({ owner: { account: JOE, keeper: "xray" } });
    whereabouts.note("xray", JOE, { service: "VMESS", address: CLIENT });
    flows.take(flow(OWN, FAR));
    expect(asked).toEqual([
      { protocol: "tcp", source: OWN, sourcePort: 40_000, destination: FAR, destinationPort: 443 },
    ]);
    expect(seen).toEqual([{ host: "a.example", service: "VMESS", source: CLIENT, at: NOW, account: JOE }]);
  });

  test.for([
    { keeper: "ssh", service: "SSH" },
    { keeper: "xray", service: "TROJAN" },
  ] as const)("gives the service of $keeper to a name of an account not heard of", ({ keeper, service }) => {
    const { flows, seen } = sights({ owner: { account: JOE, keeper } });
    flows.take(flow(OWN, FAR));
    flows.take(flow(OWN, FAR, { names: undefined }));
    expect(seen.map(({ service: shown, account }) => [shown, account])).toEqual([
      [service, JOE],
      ["IP", JOE],
    ]);
  });

  test.for([
    { direction: "both", hosts: ["in.example", "out.example", "through.example"] },
    { direction: "inbound", hosts: ["in.example"] },
    { direction: "outbound", hosts: ["out.example", "through.example"] },
  ] as const)("tells of $direction: $hosts", ({ direction, hosts }) => {
    const { flows, seen } = sights({ direction });
    const named = (name: string) => ({ names: [{ name, service: "SNI" as const }] });
    flows.take(flow(CLIENT, OWN, named("in.example")));
    flows.take(flow(OWN, FAR, named("out.example")));
    flows.take(flow(CLIENT, FAR, named("through.example")));
    expect(seen.map(({ host }) => host)).toEqual(hosts);
  });

  test("lets a name speak for its address, where this host goes, and an inbound one not", () => {
    const { flows, named } = sights();
    flows.take(flow(OWN, FAR));
    flows.take(flow(FAR, OWN));
    for (const host of [FAR, OWN]) named.hold(sight(host));
    expect(named.nameless(unixTime(NOW + 10_000)).map(({ host }) => host)).toEqual([OWN]);
  });
});
