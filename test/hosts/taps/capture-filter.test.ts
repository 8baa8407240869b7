import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { captureFilter, type FilterOptions } from "../../../src/hosts/taps/capture-filter.ts";
import { needs } from "../../support/requirements.ts";
import { packetsOf } from "../packets/captures.ts";
import { datagramsOf } from "../parsers/quic-fixtures.ts";
import { type CookedPacket, pcapOf } from "./cooked-packets.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/hosts");
const fixture = (name: string) => readFileSync(join(FIXTURES, name));

const [SYN, SYN_ACK, FIN, RST] = [0x02, 0x12, 0x11, 0x04];
const HELLO = fixture("chromium-tls-client-hello.bin"); // some 1,800 bytes
const OPTIONS = [
  { dns: false, opened: false },
  { dns: true, opened: false },
  { dns: false, opened: true },
  { dns: true, opened: true },
] as const;

const udp = (payload: Uint8Array, more: CookedPacket = {}) => ({
  protocol: "udp" as const,
  payload,
  ...more,
});

const PACKETS: readonly {
  readonly name: string;
  readonly packet: CookedPacket;
  /** Always, never, or with a setting. */
  readonly passes: boolean | keyof FilterOptions;
}[] = [
  { name: "a ClientHello", packet: { payload: fixture("tls-curl.bin") }, passes: true },
  {
    name: "one behind TCP options",
    packet: { payload: HELLO.subarray(0, 1_448), options: 12 },
    passes: true,
  },
  { name: "a full segment of one", packet: { payload: HELLO.subarray(0, 1_460) }, passes: true },
  { name: "its rest", packet: { payload: HELLO.subarray(1_460) }, passes: true },
  {
    name: "one from a low port to a high one",
    packet: { payload: HELLO, from: 1_000, to: 8_443 },
    passes: true,
  },
  { name: "its first byte alone", packet: { payload: HELLO.subarray(0, 1) }, passes: true },
  { name: "an HTTP/1 request", packet: { payload: fixture("http1-curl.bin"), to: 80 }, passes: true },
  {
    name: "one of many headers",
    packet: { payload: Buffer.alloc(1_460, "GET / HTTP/1.1\r\n"), to: 80 },
    passes: true,
  },
  { name: "an HTTP/2 preface", packet: { payload: fixture("http2-curl.bin"), to: 80 }, passes: true },
  { name: "bulk data of a client", packet: { payload: Buffer.alloc(1_460, 0xa5) }, passes: false },
  {
    name: "bulk data of a server",
    packet: { payload: Buffer.alloc(1_460, 0xa5), from: 443, to: 40_000 },
    passes: false,
  },
  {
    name: "a server's short segment",
    packet: { payload: Buffer.alloc(100, 0xa5), from: 443, to: 40_000 },
    passes: false,
  },
  {
    name: "a client's TLS application record",
    packet: { payload: Buffer.from("1703030010aabb", "hex") },
    passes: false,
  },
  { name: "an acknowledgement", packet: {}, passes: false },
  { name: "one with options", packet: { options: 12 }, passes: false },
  { name: "a SYN that leaves", packet: { flags: SYN, outgoing: true, options: 20 }, passes: "opened" },
  { name: "a SYN that comes", packet: { flags: SYN, options: 20 }, passes: false },
  { name: "a SYN's answer", packet: { flags: SYN_ACK, outgoing: true }, passes: false },
  { name: "a FIN", packet: { flags: FIN, outgoing: true }, passes: false },
  { name: "a RST", packet: { flags: RST, outgoing: true }, passes: false },
  ...["aioquic-v1", "aioquic-v2", "chromium-quic"].flatMap((file) =>
    datagramsOf(file).flatMap((payload) => [
      { name: `an Initial of ${file}`, packet: udp(payload), passes: true },
      { name: "one from a server", packet: udp(payload, { from: 443, to: 40_000 }), passes: false },
    ]),
  ),
  { name: "QUIC's later packets", packet: udp(Buffer.alloc(1_250, 0x45)), passes: false },
  { name: "a long header of another version", packet: udp(Buffer.alloc(1_250, 0xc5)), passes: false },
  { name: "a DNS question", packet: udp(fixture("dns-c-ares.bin"), { to: 53 }), passes: "dns" },
  { name: "a DNS answer", packet: udp(fixture("dns-c-ares.bin"), { from: 53, to: 40_000 }), passes: false },
  { name: "an empty datagram", packet: udp(Buffer.alloc(0)), passes: false },
];

const missing = needs("tcpdump");
const cannotListen = needs("root", "tcpdump");

describe("captureFilter()", () => {
  describe.for(OPTIONS)("with dns: $dns and opened: $opened", (options) => {
    test.skipIf(cannotListen).for(["any", "lo"])(`is compiled for %s${cannotListen}`, (name) => {
      const code = execFileSync("tcpdump", ["-i", name, "-d", captureFilter(options)], {
        encoding: "latin1",
        stdio: "pipe",
      });
      expect(code.trimEnd().split("\n").at(-1)).toMatch(/^\(\d+\) ret/);
      expect(code.split("\n").length).toBeLessThan(4_096); // BPF_MAXINSNS
    });

    test.skipIf(missing).for([4, 6] as const)(
      `lets packets of IPv%i pass that may hold a name${missing}`,
      (family) => {
        const passed = passing(
          PACKETS.map(({ packet }) => ({ family, ...packet })),
          options,
        );
        const wanted = PACKETS.filter(({ passes }) =>
          typeof passes === "string" ? options[passes] : passes,
        );
        expect(passed.map((index) => PACKETS[index]?.name)).toEqual(wanted.map(({ name }) => name));
      },
    );
  });

  test.skipIf(missing)(`lets IPv6 with extension headers pass${missing}`, () => {
    expect(
      passing([{ family: 6, extension: 16, payload: HELLO }, { family: 6 }], { dns: false, opened: false }),
    ).toEqual([0]);
  });
});

/** Which of the packets tcpdump lets through, by their places. */
function passing(packets: readonly CookedPacket[], options: FilterOptions): number[] {
  const output = execFileSync("tcpdump", ["-r", "-", "-w", "-", captureFilter(options)], {
    input: pcapOf(packets),
    stdio: "pipe",
    maxBuffer: 1 << 20,
  });
  return packetsOf(output).map(({ at }) => at / 1_000);
}
