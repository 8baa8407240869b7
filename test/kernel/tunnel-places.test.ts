import { describe, expect, test } from "vitest";
import { tunnelPlaces } from "../../src/kernel/tunnel-places.ts";

const host = (address: string) => ({ family: address.includes(":") ? 6 : 4, key: { address } });
const range = (...range: readonly [string, string]) => ({
  family: range[0].includes(":") ? 6 : 4,
  key: { range },
});

describe("tunnelPlaces()", () => {
  test.for([
    { name: "nothing", addresses: [[]], places: [[]] },
    { name: "a host", addresses: [["10.8.0.2"]], places: [[host("10.8.0.2")]] },
    { name: "a host in another spelling", addresses: [["FD00::0:2"]], places: [[host("fd00::2")]] },
    { name: "a mapped host", addresses: [["::ffff:10.8.0.2"]], places: [[host("10.8.0.2")]] },
    { name: "a network of one host", addresses: [["10.8.0.2/32"]], places: [[host("10.8.0.2")]] },
    {
      name: "a network with bits behind its prefix",
      addresses: [["192.0.2.77/24"]],
      places: [[range("192.0.2.0", "192.0.2.255")]],
    },
    {
      name: "everything there is",
      addresses: [["0.0.0.0/0", "::/0"]],
      places: [[range("0.0.0.0", "255.255.255.255"), range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]],
    },
    {
      name: "an address that two claim: the last has it",
      addresses: [["10.8.0.2"], ["10.8.0.2"]],
      places: [[], [host("10.8.0.2")]],
    },
    {
      name: "a network inside of another's",
      addresses: [["10.0.0.0/30"], ["10.0.0.0/31"]],
      places: [[range("10.0.0.2", "10.0.0.3")], [range("10.0.0.0", "10.0.0.1")]],
    },
    {
      name: "an address inside of another's network",
      addresses: [
        ["10.0.0.0/30", "fd00::/126"],
        ["10.0.0.1", "fd00::3"],
      ],
      places: [
        [range("10.0.0.0", "10.0.0.0"), range("10.0.0.2", "10.0.0.3"), range("fd00::", "fd00::2")],
        [host("10.0.0.1"), host("fd00::3")],
      ],
    },
    {
      name: "the same network twice: the last has it",
      addresses: [["10.0.0.0/24"], ["10.0.0.0/24"]],
      places: [[], [range("10.0.0.0", "10.0.0.255")]],
    },
  ])("tells $name", ({ addresses, places }) => {
    const gates = addresses.map((each, at) => ({ number: at + 1, addresses: each }));
    const found = tunnelPlaces(gates);
    expect([...found.places.values()]).toEqual(places);
    expect(found.refused).toEqual([]);
  });

  test.for([
    "",
    "alice",
    "10.8.0.2 ",
    "10.8.0",
    "10.8.0.2/",
    "10.8.0.2/33",
    "10.8.0.2/-1",
    "10.8.0.2/24/24",
    "fd00::/129",
    "fe80::1%eth0",
    "10.8.0.2C",
  ])("refuses %j", (text) => {
    expect(tunnelPlaces([{ number: 1, addresses: [text] }]).refused).toEqual([text]);
  });
});
