/**
 * How many first packets the parsers of the host capture read a second, on one core.
 *
 * `node test/bench/hosts-parse.ts` prints these rows alone. What is read are real
 * clients' bytes, each of a thousand times with another name in it, so that neither a
 * string nor a branch is the same every time.
 */
import { parseDnsQuestion } from "../../src/hosts/parsers/dns-question.ts";
import type { SniffResult } from "../../src/hosts/parsers/sniff-result.ts";
import { sniffStream } from "../../src/hosts/parsers/stream.ts";
import { bytesOf, type Parse } from "../hosts/parsers/samples.ts";
import { median } from "./statistics.ts";
import { number, type Row, tableOf } from "./table.ts";

const COPIES = 1000;
const RUNS = 5;
const RUN_MS = 300;
/** What 5,000 new flows a second leave of a core to everything else. */
const CLIENT_HELLOS = 300_000;

const TARGETS: readonly {
  readonly what: string;
  readonly file: string;
  readonly parse: Parse;
  readonly least?: number;
}[] = [
  { what: "ClientHello", file: "tls-openssl.bin", parse: sniffStream, least: CLIENT_HELLOS },
  { what: "ClientHello with MLKEM", file: "tls-node.bin", parse: sniffStream, least: CLIENT_HELLOS },
  { what: "HTTP/1 request", file: "http1-curl.bin", parse: sniffStream },
  { what: "HTTP/2 request", file: "http2-nginx.bin", parse: sniffStream },
  { what: "DNS question", file: "dns-c-ares.bin", parse: parseDnsQuestion },
];

export function parseRows(): readonly Row[] {
  return TARGETS.map(({ what, file, parse, least }) => {
    const copies = copiesOf(file);
    const [perParse, perHash] = [parse, summed].map((read) => nanosecondsOf(copies, read));
    if (perParse === undefined || perHash === undefined) throw new RangeError("Cannot measure nothing");
    const rate = 1e9 / perParse;
    const row = {
      what: `Parsing: ${what}, ${copies[0]?.length} bytes`,
      ratio: `${number(perParse / perHash, 1)} x adding its bytes up`,
      figures: `${number(rate)} a second, ${number(perParse)} ns each`,
    };
    if (least === undefined) return row;
    return { ...row, target: { text: `>= ${number(least)} a second`, met: rate >= least } };
  });
}

/** The same bytes with other digits for "www", where they stand as they are. */
function copiesOf(file: string): readonly Buffer[] {
  const original = bytesOf(file);
  const at = original.indexOf("www");
  return Array.from({ length: COPIES }, (_, index) => {
    const copy = Buffer.from(original);
    if (at >= 0) copy.write(String(index).padStart(3, "0"), at, "latin1");
    return copy;
  });
}

/** One look at each byte, to compare with: what a machine takes for the least that one can do with them. */
function summed(bytes: Uint8Array): SniffResult {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 1) sum = (sum + (bytes[at] ?? 0)) | 0;
  return { kind: sum === 0 ? "mismatch" : "no-host" };
}

/** @returns the median of some runs, after one that only warms up. */
function nanosecondsOf(copies: readonly Buffer[], read: Parse): number {
  const runs = Array.from({ length: RUNS + 1 }, () => {
    const began = performance.now();
    let reads = 0;
    while (performance.now() - began < RUN_MS) {
      for (const copy of copies) {
        if (read(copy).kind === "incomplete") throw new RangeError("Cannot measure half a request");
      }
      reads += copies.length;
    }
    return ((performance.now() - began) * 1e6) / reads;
  });
  return median(runs.slice(1));
}

if (import.meta.main) process.stdout.write(`${tableOf(parseRows())}\n`);
