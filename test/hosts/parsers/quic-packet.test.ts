import { describe, expect, test } from "vitest";
import { quicInitials } from "../../../src/hosts/parsers/quic-packet.ts";
import { datagramsOf, firstDatagramOf } from "./quic-fixtures.ts";

const BODY = "aa".repeat(20);
const ID = "08".padEnd(18, "1");
const V1 = "00000001";
const V2 = "6b3343cf";
/** flags, version, ids, no token, 20 bytes: as short as it may be. */
const initial = (flags: string, version: string) => `${flags}${version}${ID}00` + `0014${BODY}`;
const others = (flags: string, version: string) => `${flags}${version}${ID}00` + `14${BODY}`;

const found = (hex: string) =>
  quicInitials(Buffer.from(hex, "hex")).map(({ version, numberAt, bytes }) => ({
    version,
    numberAt,
    length: bytes.length,
  }));

describe("quicInitials()", () => {
  test("finds the packet of RFC 9001 A.2, its id and its packet number", () => {
    const datagram = firstDatagramOf("rfc9001-client");
    const dcid = Buffer.from("8394c8f03e515708", "hex");
    expect(quicInitials(datagram)).toEqual([{ version: 1, dcid, bytes: datagram, numberAt: 18 }]);
  });

  test("finds one in each of Chromium's datagrams, with the same id", () => {
    const ids = datagramsOf("chromium-quic")
      .flatMap(quicInitials)
      .map(({ dcid }) => dcid);
    expect(ids).toHaveLength(2);
    expect(ids[0]).toEqual(ids[1]);
  });

  const one = { version: 1, numberAt: 17, length: 37 };
  test.for([
    { name: "version 1", hex: initial("c0", V1), want: [one] },
    { name: "version 2", hex: initial("d0", V2), want: [{ ...one, version: 2 }] },
    { name: "protected bits set", hex: initial("cf", V1), want: [one] },
    { name: "the fixed bit cleared", hex: initial("80", V1), want: [one] },
    { name: "no ids", hex: `c0${V1}0000` + `0014${BODY}`, want: [{ ...one, numberAt: 9, length: 29 }] },
    {
      name: "ids of 20 bytes",
      hex: `c0${V1}14${"1".repeat(40)}14${"2".repeat(40)}` + `0014${BODY}`,
      want: [{ ...one, numberAt: 49, length: 69 }],
    },
    {
      name: "a token and a long length",
      hex: `c0${V1}${ID}00` + `03abcdef80000014${BODY}`,
      want: [{ ...one, numberAt: 23, length: 43 }],
    },
    { name: "two of them", hex: initial("c0", V1) + initial("c1", V1), want: [one, one] },
    { name: "0-RTT before it", hex: others("d0", V1) + initial("c0", V1), want: [one] },
    {
      name: "0-RTT of version 2 before it",
      hex: others("e0", V2) + initial("d0", V2),
      want: [{ ...one, version: 2 }],
    },
    { name: "a Handshake packet behind it", hex: initial("c0", V1) + others("e0", V1), want: [one] },
    { name: "a short header behind it", hex: `${initial("c0", V1)}40${BODY}`, want: [one] },
    {
      name: "as many zeros behind it as may be",
      hex: initial("c0", V1) + "00".repeat(9000 - 37),
      want: [one],
    },
    { name: "zeros behind it", hex: initial("c0", V1) + "00".repeat(100), want: [one] },
    { name: "a cut one behind it", hex: initial("c0", V1) + initial("c0", V1).slice(0, -2), want: [one] },
    {
      name: "ten of them, of which it takes four",
      hex: initial("c0", V1).repeat(10),
      want: [one, one, one, one],
    },
  ])("finds an Initial with $name", ({ hex, want }) => {
    expect(found(hex)).toEqual(want);
  });

  test.for([
    { name: "nothing", hex: "" },
    { name: "a short header", hex: `40${BODY}` },
    { name: "a short header with a version in it", hex: initial("40", V1) },
    { name: "version negotiation", hex: `80${"00000000"}${ID}00${V1}` },
    { name: "a draft of QUIC", hex: initial("c0", "ff00001d") },
    { name: "a Retry of version 1", hex: `f0${V1}${ID}00${BODY}` + initial("c0", V1) },
    { name: "a Retry of version 2", hex: `c0${V2}${ID}00${BODY}` + initial("d0", V2) },
    { name: "version 1's type in version 2", hex: others("e0", V2) },
    { name: "the fifth packet", hex: others("d0", V1).repeat(4) + initial("c0", V1) },
    { name: "9001 bytes", hex: initial("c0", V1) + "00".repeat(9001 - 37) },
    { name: "0-RTT alone", hex: others("d0", V1) },
    { name: "a destination id of 21 bytes", hex: `c0${V1}15${"1".repeat(42)}00` + `0014${BODY}` },
    { name: "a source id of 21 bytes", hex: `c0${V1}0015${"1".repeat(42)}` + `0014${BODY}` },
    { name: "a token beyond the end", hex: `c0${V1}${ID}00` + `ffffffffffffffff${BODY}` },
    { name: "a length beyond the end", hex: `c0${V1}${ID}00` + `0015${BODY}` },
    { name: "too few bytes for a sample", hex: `c0${V1}${ID}00` + `0013${BODY}` },
    { name: "DNS", hex: "1a2b01000001000000000000076578616d706c6503636f6d0000010001" },
  ])("finds none in $name", ({ hex }) => {
    expect(found(hex)).toEqual([]);
  });

  test("finds none in any proper prefix", () => {
    const datagram = firstDatagramOf("rfc9001-client");
    for (let length = 0; length < datagram.length; length += 1) {
      expect(quicInitials(datagram.subarray(0, length))).toEqual([]);
    }
  });
});
