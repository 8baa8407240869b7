/** Any datagram on the wire may call itself QUIC: none may stop the capture, hold it up or give it a name that nobody sent. */
import { describe, expect, test } from "vitest";
import { cryptoPieces } from "../../src/hosts/parsers/quic-frames.ts";
import { parseQuicHello } from "../../src/hosts/parsers/quic-hello.ts";
import { clientInitialKeys, openInitial } from "../../src/hosts/parsers/quic-keys.ts";
import { quicInitials } from "../../src/hosts/parsers/quic-packet.ts";
import { joinPieces } from "../../src/hosts/parsers/quic-stream.ts";
import { CLIENTS, datagramsOf, firstDatagramOf } from "../hosts/parsers/quic-fixtures.ts";
import { cryptoFrame, sealInitial } from "../support/quic-initial.ts";
import { FEW, fuzz, TIMEOUT } from "./inputs.ts";

const KNOWN: ReadonlySet<string> = new Set(CLIENTS.flatMap(({ names }) => names.map(({ name }) => name)));
const DCID = Buffer.from("0102030405060708", "hex");

describe("parseQuicHello()", () => {
  test("never throws over datagrams, and finds the names that are there", { timeout: TIMEOUT }, () => {
    const samples = CLIENTS.flatMap(({ file }) => datagramsOf(file));
    const chromium = firstDatagramOf("chromium-quic");
    let found = 0;
    const check = (...datagrams: readonly Buffer[]) => {
      const result = parseQuicHello(datagrams);
      if (result.kind !== "host") return;
      found += 1;
      for (const { name } of result.names) if (!KNOWN.has(name)) throw new Error(`found ${name}`);
    };
    fuzz(samples, (input) => check(input));
    fuzz(samples, (input) => check(chromium, input), FEW);
    expect(found).toBeGreaterThan(0);
  });

  test("never throws over frames, and finds only names that stand in them", { timeout: TIMEOUT }, () => {
    const payloads = CLIENTS.flatMap(({ file }) => datagramsOf(file))
      .flatMap(quicInitials)
      .flatMap((initial) => openInitial(clientInitialKeys(initial.version, initial.dcid), initial) ?? []);
    let found = 0;
    fuzz(
      payloads,
      (input) => {
        const payload = Buffer.concat([input.subarray(0, 10_000), Buffer.alloc(3)]);
        const result = parseQuicHello([sealInitial({ payload, dcid: DCID })]);
        if (result.kind !== "host") return;
        found += 1;
        const hello = Buffer.from(joinPieces(cryptoPieces(payload) ?? []) ?? []).toString("latin1");
        for (const { name } of result.names) if (!hello.includes(name)) throw new Error(`found ${name}`);
      },
      FEW,
    );
    expect(found).toBeGreaterThan(0);
  });

  /** As much of the frame as a datagram may hold, in four packets with keys of their own. */
  const full = (frame: Uint8Array) => {
    const payload = Buffer.alloc(Math.floor(2200 / frame.length) * frame.length, frame);
    return Buffer.concat([0, 1, 2, 3].map((id) => sealInitial({ payload, dcid: Buffer.of(id) })));
  };
  test.for([
    { name: "pings", datagram: full(Buffer.of(1)) },
    { name: "padding", datagram: full(Buffer.of(0)) },
    {
      name: "acknowledged ranges",
      datagram: full(Buffer.concat([Buffer.from("0200004100", "hex"), Buffer.alloc(513)])),
    },
    { name: "the same piece", datagram: full(cryptoFrame(0, Buffer.alloc(2150))) },
    { name: "empty pieces", datagram: full(cryptoFrame(0, Buffer.alloc(0))) },
    { name: "pieces of one byte", datagram: full(cryptoFrame(16_000, Buffer.of(0))) },
    {
      name: "packets that do not open",
      datagram: Buffer.from(`c00000000108${"5".repeat(16)}000014${"a".repeat(40)}`.repeat(240), "hex"),
    },
    { name: "packets that are no Initials", datagram: Buffer.from("d000000001000000".repeat(1100), "hex") },
  ])("takes no time over eight datagrams full of $name", ({ datagram }) => {
    const datagrams = Array.from({ length: 8 }, () => datagram);
    const took = Array.from({ length: 5 }, () => {
      const began = performance.now();
      parseQuicHello(datagrams);
      return performance.now() - began;
    });
    expect(Math.min(...took)).toBeLessThan(100);
  });
});
