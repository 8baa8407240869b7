import { describe, expect, test } from "vitest";
import { clientInitialKeys, openInitial } from "../../../src/hosts/parsers/quic-keys.ts";
import { type QuicInitial, quicInitials } from "../../../src/hosts/parsers/quic-packet.ts";
import { sealInitial } from "../../support/quic-initial.ts";
import { firstDatagramOf } from "./quic-fixtures.ts";

const DCID = Buffer.from("8394c8f03e515708", "hex");

/** @throws {RangeError} for a datagram without an Initial. */
function initialOf(datagram: Uint8Array): QuicInitial {
  const [initial] = quicInitials(datagram);
  if (initial) return initial;
  throw new RangeError("Cannot take the Initial of a datagram: it has none");
}

describe("clientInitialKeys()", () => {
  test.for([
    {
      name: "RFC 9001 A.1",
      version: 1 as const,
      key: "1f369613dd76d5467730efcbe3b1a22d",
      iv: "fa044b2f42a3fd3b46fb255c",
      hp: "9f50449e04a0e810283a1e9933adedd2",
    },
    {
      name: "RFC 9369 A.1",
      version: 2 as const,
      key: "8b1a0bc121284290a29e0971b5cd045d",
      iv: "91f73e2351d8fa91660e909f",
      hp: "45b95e15235d6f45a6b19cbcb0294ba9",
    },
  ])("makes the keys of $name", ({ version, key, iv, hp }) => {
    const keys = clientInitialKeys(version, DCID);
    expect(keys.key.export().toString("hex")).toBe(key);
    expect(Buffer.from(keys.iv).toString("hex")).toBe(iv);
    expect(keys.hp.export().toString("hex")).toBe(hp);
  });
});

describe("openInitial()", () => {
  test.for([
    { file: "rfc9001-client", version: 1 as const, hello: "060040f1010000ed0303ebf8fa56f1" },
    { file: "rfc9369-client", version: 2 as const, hello: "060040f1010000ed0303ebf8fa56f1" },
  ])("opens $file and finds what the specification put in", ({ file, version, hello }) => {
    const payload = openInitial(clientInitialKeys(version, DCID), initialOf(firstDatagramOf(file)));
    expect(payload).toHaveLength(1162);
    expect(Buffer.from(payload ?? []).toString("hex")).toMatch(new RegExp(`^${hello}.*8000ffff(00){917}$`));
  });

  test.for(["00", "0102", "010203", "01020304"])("opens a packet with the number %s", (number) => {
    const payload = Buffer.from("a frame or two");
    const packetNumber = Buffer.from(number, "hex");
    const sealed = initialOf(sealInitial({ payload, dcid: DCID, packetNumber }));
    expect(openInitial(clientInitialKeys(1, DCID), sealed)).toEqual(payload);
  });

  test("leaves packet and keys as they were", () => {
    const datagram = firstDatagramOf("rfc9001-client");
    const keys = clientInitialKeys(1, DCID);
    const first = openInitial(keys, initialOf(datagram));
    expect(datagram).toEqual(firstDatagramOf("rfc9001-client"));
    expect(openInitial(keys, initialOf(datagram))).toEqual(first);
  });

  test.for([
    { name: "what the server sends", file: "rfc9001-server", version: 1 as const, dcid: DCID },
    { name: "a packet for another id", file: "rfc9001-client", version: 1 as const, dcid: Buffer.alloc(8) },
    { name: "a packet of another version", file: "rfc9369-client", version: 1 as const, dcid: DCID },
  ])("does not open $name", ({ file, version, dcid }) => {
    expect(openInitial(clientInitialKeys(version, dcid), initialOf(firstDatagramOf(file)))).toBeUndefined();
  });

  test("does not open a packet with any bit of its first 64 bytes or of its tag turned", () => {
    const keys = clientInitialKeys(1, DCID);
    const { bytes, ...rest } = initialOf(firstDatagramOf("rfc9001-client"));
    const places = [...Array(64).keys(), ...Array.from({ length: 16 }, (_, back) => bytes.length - 1 - back)];
    for (const bit of places.flatMap((at) => Array.from({ length: 8 }, (_, index) => at * 8 + index))) {
      const turned = Buffer.from(bytes);
      turned.writeUInt8(turned.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(openInitial(keys, { ...rest, bytes: turned })).toBeUndefined();
    }
  });
});
