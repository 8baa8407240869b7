import { describe, expect, test } from "vitest";
import { placesOfClients } from "../../../../src/faces/web/api/client-places.ts";
import type { Whereabouts } from "../../../../src/faces/web/api/sources.ts";
import type { ClientAddress } from "../../../../src/history/records.ts";

const BERLIN = { country: "DE", city: "Berlin", latitude: 52.5, longitude: 13.4 };
const BONN = { country: "DE", city: "Bonn", latitude: 50.7, longitude: 7.1 };
const TEHRAN = { country: "IR", city: "Tehran", latitude: 35.7, longitude: 51.4 };
const WHERE: Readonly<Record<string, Whereabouts | "private">> = {
  "192.0.2.1": BERLIN,
  "192.0.2.2": BONN,
  "192.0.2.3": BERLIN,
  "198.51.100.1": TEHRAN,
  "10.0.0.1": "private",
};
const placeOf = (address: string) => WHERE[address];

function client(address: string, open: number, service = "xray"): ClientAddress {
  return { address, service, firstSeen: 1, lastSeen: 2, open };
}

const CLIENTS = [
  client("192.0.2.1", 2),
  client("192.0.2.1", 1, "ssh"),
  client("192.0.2.2", 4),
  client("192.0.2.3", 0),
  client("198.51.100.1", 9),
  client("10.0.0.1", 1),
  client("203.0.113.9", 1),
];
const shown = ({ clients, ...place }: { readonly clients: readonly { readonly address: string }[] }) => ({
  ...place,
  clients: clients.map(({ address }) => address),
});

describe("placesOfClients()", () => {
  test("puts a country together, where its busiest client is", () => {
    const { places, ...sums } = placesOfClients(CLIENTS, "country", placeOf);
    expect(places.map(shown)).toEqual([
      { ...TEHRAN, city: "", addresses: 1, connections: 9, clients: ["198.51.100.1"] },
      {
        ...{ ...BONN, city: "", addresses: 3, connections: 7 },
        clients: ["192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.3"],
      },
    ]);
    expect(sums).toEqual({
      ...{ private: 1, unknown: 1, addresses: 6, connections: 18 },
      services: [
        { service: "xray", addresses: 6, connections: 17 },
        { service: "ssh", addresses: 1, connections: 1 },
      ],
    });
  });

  test("puts a city together", () => {
    expect(placesOfClients(CLIENTS, "city", placeOf).places.map(shown)).toEqual([
      { ...TEHRAN, addresses: 1, connections: 9, clients: ["198.51.100.1"] },
      { ...BONN, addresses: 1, connections: 4, clients: ["192.0.2.2"] },
      { ...BERLIN, addresses: 2, connections: 3, clients: ["192.0.2.1", "192.0.2.1", "192.0.2.3"] },
    ]);
  });

  test("tells fifty clients of a place, those with most connections, and counts all", () => {
    const many = Array.from({ length: 200 }, (_, index) => client(`2001:db8::${index}`, index));
    const [place] = placesOfClients(many, "city", () => BERLIN).places;
    expect(place).toMatchObject({ addresses: 200, connections: 19_900 });
    expect(place?.clients).toHaveLength(50);
    expect(place?.clients[0]?.address).toBe("2001:db8::199");
  });

  test("has nothing of nobody", () => {
    expect(placesOfClients([], "country", placeOf)).toEqual({
      ...{ places: [], private: 0, unknown: 0, addresses: 0, connections: 0, services: [] },
    });
  });
});
