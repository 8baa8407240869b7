import { describe, expect, test } from "vitest";
import { parseQuicHello } from "../../../src/hosts/parsers/quic-hello.ts";
import { INPUTS, TIMEOUT } from "../../fuzz/inputs.ts";
import { clientHelloFor, cryptoFrame, quicInitialFor, sealInitial } from "../../support/quic-initial.ts";
import { CLIENTS, datagramsOf, firstDatagramOf } from "./quic-fixtures.ts";

const INCOMPLETE = { kind: "incomplete" };
const MISMATCH = { kind: "mismatch" };
const NAME = "www.example.net";
const FOUND = { kind: "host", names: [{ name: NAME, service: "QUIC" }] };

const DCID = Buffer.from("0102030405060708", "hex");
const HELLO = clientHelloFor(NAME);
/** The middle of it is where a test wants it. */
const [HEAD, TAIL] = [cryptoFrame(0, HELLO.subarray(0, 700)), cryptoFrame(700, HELLO.subarray(700))];
const PING = Buffer.alloc(20, 1);

describe.for(CLIENTS)("parseQuicHello() of $file", ({ file, names }) => {
  const datagrams = datagramsOf(file);
  const found = { kind: "host", names };

  test("finds the name", () => {
    expect(parseQuicHello(datagrams)).toEqual(found);
  });

  test("asks for more after each proper prefix of the datagrams", () => {
    for (let count = 0; count < datagrams.length; count += 1) {
      expect(parseQuicHello(datagrams.slice(0, count))).toEqual(INCOMPLETE);
    }
  });

  test("finds the name in datagrams turned round and doubled", () => {
    expect(parseQuicHello(datagrams.toReversed())).toEqual(found);
    expect(parseQuicHello([...datagrams, ...datagrams])).toEqual(found);
    expect(parseQuicHello(datagrams.flatMap((one) => [one, one]))).toEqual(found);
  });

  test("finds no name in datagrams of which the last is cut, wherever", () => {
    const whole = datagrams.slice(0, -1);
    const last = datagrams.at(-1) ?? Buffer.alloc(0);
    const results = Array.from({ length: last.length }, (_, length) =>
      parseQuicHello([...whole, last.subarray(0, length)]),
    );
    // A packet may end before its datagram does: what is cut off there is padding.
    const packetEnd = results.findIndex(({ kind }) => kind === "host");
    const cut = packetEnd < 0 ? results : results.slice(0, packetEnd);
    expect(last.subarray(cut.length).every((byte) => byte === 0)).toBe(true);
    expect(new Set(cut.map(({ kind }) => kind))).toEqual(
      new Set([whole.length > 0 ? "incomplete" : "mismatch"]),
    );
  });

  test("finds the true name or none with any one byte changed", { timeout: 5 * TIMEOUT }, () => {
    const changes = INPUTS > 100_000 ? Array.from({ length: 255 }, (_, index) => index + 1) : [0x01, 0xff];
    const results = new Map<string, unknown>();
    for (const [index, datagram] of datagrams.entries()) {
      for (let at = 0; at < datagram.length; at += 1) {
        for (const change of changes) {
          const changed = Buffer.from(datagram);
          changed.writeUInt8(changed.readUInt8(at) ^ change, at);
          const result = parseQuicHello(datagrams.with(index, changed));
          results.set(JSON.stringify(result), result);
        }
      }
    }
    results.delete(JSON.stringify(found)); // zeros behind a packet may be anything
    expect([...results.values()]).toEqual([datagrams.length > 1 ? INCOMPLETE : MISMATCH]);
  });

  test("leaves the datagrams as they were", () => {
    parseQuicHello(datagrams);
    expect(datagrams).toEqual(datagramsOf(file));
  });
});

describe("parseQuicHello()", () => {
  const seal = (payload: Uint8Array, more = {}) => sealInitial({ payload, dcid: DCID, ...more });

  test.for([
    { name: "both halves in one packet", datagrams: [seal(Buffer.concat([TAIL, HEAD]))], want: FOUND },
    {
      name: "both halves in one datagram",
      datagrams: [Buffer.concat([seal(TAIL), seal(HEAD)])],
      want: FOUND,
    },
    { name: "a ping before it", datagrams: [seal(PING), seal(HEAD), seal(TAIL)], want: FOUND },
    { name: "a ping alone", datagrams: [seal(PING)], want: INCOMPLETE },
    { name: "half of it", datagrams: [seal(TAIL)], want: INCOMPLETE },
    { name: "half of it seven times", datagrams: Array(7).fill(seal(TAIL)), want: INCOMPLETE },
    { name: "half of it eight times", datagrams: Array(8).fill(seal(TAIL)), want: MISMATCH },
    {
      name: "the half that lacked as the ninth",
      datagrams: [...Array(8).fill(seal(TAIL)), seal(HEAD)],
      want: MISMATCH,
    },
    {
      name: "its second half sent again to the id that the server chose",
      datagrams: [seal(HEAD), seal(TAIL, { dcid: Buffer.from("abcd", "hex"), keysFrom: DCID })],
      want: FOUND,
    },
    {
      name: "all of it again after a Retry",
      datagrams: [
        seal(HEAD),
        seal(HEAD, { dcid: Buffer.from("abcdef", "hex"), token: Buffer.alloc(100, 7) }),
        seal(TAIL, { dcid: Buffer.from("abcdef", "hex"), token: Buffer.alloc(100, 7) }),
      ],
      want: FOUND,
    },
    {
      name: "halves of two clients",
      datagrams: [seal(HEAD), seal(TAIL, { dcid: Buffer.from("abcdef", "hex") })],
      want: INCOMPLETE,
    },
    {
      name: "halves under two versions",
      datagrams: [seal(HEAD), seal(TAIL, { version: 2 })],
      want: INCOMPLETE,
    },
    {
      name: "a server's packet in between",
      datagrams: [seal(HEAD), firstDatagramOf("rfc9001-server"), seal(TAIL)],
      want: FOUND,
    },
    { name: "a server's packet alone", datagrams: [firstDatagramOf("rfc9001-server")], want: MISMATCH },
    {
      name: "a server's packet behind its client's",
      datagrams: [...datagramsOf("rfc9001-client"), firstDatagramOf("rfc9001-server")],
      want: { kind: "host", names: [{ name: "example.com", service: "QUIC" }] },
    },
    { name: "another protocol", datagrams: [Buffer.from("GET / HTTP/1.1\r\n\r\n")], want: MISMATCH },
    { name: "an empty datagram", datagrams: [Buffer.alloc(0)], want: MISMATCH },
    {
      name: "another handshake message",
      datagrams: [seal(cryptoFrame(0, Buffer.alloc(40, 2)))],
      want: MISMATCH,
    },
    {
      name: "a frame that may not be there",
      datagrams: [seal(Buffer.concat([HEAD, TAIL, Buffer.of(8)]))],
      want: MISMATCH,
    },
    {
      name: "two things in one place",
      datagrams: [seal(HEAD), seal(cryptoFrame(0, Buffer.alloc(40, 1))), seal(TAIL)],
      want: MISMATCH,
    },
    {
      name: "a piece beyond 16 KB",
      datagrams: [seal(Buffer.concat([HEAD, cryptoFrame(16_384, Buffer.of(1))]))],
      want: MISMATCH,
    },
  ])("answers $want.kind to $name", ({ datagrams, want }) => {
    expect(parseQuicHello(datagrams)).toEqual(want);
  });

  test.for([1, 2] as const)("finds every name in fresh datagrams of version %i", (version) => {
    for (let index = 0; index < 200; index += 1) {
      const name = `host-${"x".repeat(index)}.example.net`;
      const datagrams = quicInitialFor(name, version);
      expect(parseQuicHello(datagrams)).toEqual({ kind: "host", names: [{ name, service: "QUIC" }] });
      expect(parseQuicHello(datagrams.slice(0, 1))).toEqual(INCOMPLETE);
    }
  });
});
