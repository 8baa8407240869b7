import { describe, expect, test } from "vitest";
import { parseDnsQuestion } from "../../../src/hosts/parsers/dns-question.ts";
import { hosts } from "./samples.ts";

interface Query {
  readonly flags?: number;
  readonly counts?: readonly number[];
  readonly labels?: readonly string[];
  readonly type?: number;
  readonly inClass?: number;
}

function query({
  flags = 0x0100,
  counts = [1, 0, 0, 0],
  labels = ["a", "example"],
  type = 1,
  inClass = 1,
}: Query): Buffer {
  const words = (...values: readonly number[]) => values.flatMap((value) => [value >> 8, value & 255]);
  const name = labels.flatMap((label) => [label.length, ...Buffer.from(label, "latin1")]);
  return Buffer.from([...words(7, flags, ...counts), ...name, 0, ...words(type, inClass)]);
}

const long = "x".repeat(63);

describe("parseDnsQuestion()", () => {
  test.for([
    { name: "for an address", query: {}, want: "a.example" },
    {
      name: "for HTTPS, with EDNS",
      query: { type: 65, counts: [1, 0, 0, 1], flags: 0x0120 },
      want: "a.example",
    },
    { name: "in any case", query: { labels: ["wWw", "eXample"] }, want: "wWw.eXample" },
    { name: "of one label", query: { labels: ["router"] }, want: "router" },
    { name: "of any bytes", query: { labels: ["a|\n\xff", "example"] }, want: "a|\n\xff.example" },
    {
      name: "of 255 bytes",
      query: { labels: [long, long, long, "x".repeat(61)] },
      want: [long, long, long, "x".repeat(61)].join("."),
    },
    {
      name: "with a dot in a label, told apart",
      query: { labels: ["a.b", "example"] },
      want: "a\\.b.example",
    },
  ])("reads a name $name", ({ query: one, want }) => {
    expect(parseDnsQuestion(query(one))).toEqual(hosts(["DNS", want]));
  });

  test("does not look at what follows the question", () => {
    expect(parseDnsQuestion(Buffer.concat([query({}), Buffer.from("more")]))).toEqual(
      hosts(["DNS", "a.example"]),
    );
  });

  test.for([
    { name: "the root", query: { labels: [] } },
    { name: "the name of an address", query: { labels: ["9", "in-addr", "arpa"], type: 12 } },
    { name: "another class", query: { labels: ["version", "bind"], type: 16, inClass: 3 } },
  ])("finds no host in a question for $name", ({ query: one }) => {
    expect(parseDnsQuestion(query(one))).toEqual({ kind: "no-host" });
  });

  test.for([
    { name: "an answer", query: { flags: 0x8180 } },
    { name: "an update", query: { flags: 0x2800 } },
    { name: "a result code", query: { flags: 0x0103 } },
    { name: "two questions", query: { counts: [2, 0, 0, 0] } },
    { name: "no question", query: { counts: [0, 0, 0, 0] } },
    { name: "a question with answers", query: { counts: [1, 1, 0, 0] } },
    { name: "a question with authorities", query: { counts: [1, 0, 1, 0] } },
    { name: "a name of 256 bytes", query: { labels: [long, long, long, "x".repeat(62)] } },
  ])("takes $name for no query", ({ query: one }) => {
    expect(parseDnsQuestion(query(one))).toEqual({ kind: "mismatch" });
  });

  test("takes a name with a pointer for no query", () => {
    const pointer = Buffer.concat([
      query({ labels: [] }).subarray(0, 12),
      Buffer.of(1, 0x61, 0xc0, 12, 0, 1, 0, 1),
    ]);
    expect(parseDnsQuestion(pointer)).toEqual({ kind: "mismatch" });
  });
});
