/** What must hold for every real client's bytes, however they arrive and whatever becomes of them on the way. */
import { describe, expect, test } from "vitest";
import { parseHostname } from "../../../src/hosts/hostname.ts";
import type { SniffResult } from "../../../src/hosts/parsers/sniff-result.ts";
import { sniffStream } from "../../../src/hosts/parsers/stream.ts";
import { SAMPLES, STREAMS, standsIn } from "./samples.ts";

/** The names that would reach the file and do not stand in the bytes. */
function invented(answer: SniffResult, bytes: Buffer): readonly string[] {
  if (answer.kind !== "host") return [];
  return answer.names
    .map(({ name }) => name)
    .filter((name) => typeof parseHostname(name) === "string" && !standsIn(name, bytes));
}

describe.for(SAMPLES)("the bytes of $file", (sample) => {
  const { bytes, parse, answer, behind } = sample;
  const read = STREAMS.includes(sample) ? sniffStream : parse;

  test("answer with their names", () => {
    expect(parse(bytes)).toEqual(answer);
  });

  test("are incomplete in every proper prefix of the request", () => {
    const answers = Array.from({ length: bytes.length + 1 }, (_, length) => parse(bytes.subarray(0, length)));
    const needed = bytes.length - behind;
    expect(answers.slice(0, needed).filter(({ kind }) => kind !== "incomplete")).toEqual([]);
    expect(answers.slice(needed)).toEqual(Array(behind + 1).fill(answer));
  });

  test("invent no name with any one byte changed, whatever protocol that makes them", () => {
    const changed = Buffer.from(bytes);
    const wrong: string[] = [];
    for (const [at, byte] of bytes.entries()) {
      for (let other = 0; other < 256; other += 1) {
        changed[at] = other;
        wrong.push(...invented(read(changed), changed));
      }
      changed[at] = byte;
    }
    expect(wrong).toEqual([]);
  });

  test("lie anywhere in a larger buffer", () => {
    const larger = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("behind")]);
    expect(parse(larger.subarray(6, 6 + bytes.length))).toEqual(answer);
  });
});

test.for(STREAMS)("sniffStream() tells $file by any part of it", ({ bytes, parse }) => {
  for (let length = 0; length <= bytes.length; length += 1) {
    const part = bytes.subarray(0, length);
    expect(sniffStream(part), `${length} bytes`).toEqual(parse(part));
  }
});
