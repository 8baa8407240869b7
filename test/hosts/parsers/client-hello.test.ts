import { describe, expect, test } from "vitest";
import { parseClientHello, parseHandshake } from "../../../src/hosts/parsers/client-hello.ts";
import { bytesOf, hosts } from "./samples.ts";

const MISMATCH = { kind: "mismatch" };
const RECORD_HEADER = 5;
const large = bytesOf("tls-node.bin");
const small = bytesOf("tls-openssl.bin");
const handshake = small.subarray(RECORD_HEADER);

/** The same handshake in records of no more than so many bytes. */
function inRecords(message: Buffer, longest: number): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += longest) {
    const fragment = message.subarray(at, at + longest);
    records.push(Buffer.of(22, 3, 1, fragment.length >> 8, fragment.length & 255), fragment);
  }
  return Buffer.concat(records);
}

function vector(bytes: number, content: Buffer): Buffer {
  const length = Buffer.alloc(bytes);
  length.writeUIntBE(content.length, 0, bytes);
  return Buffer.concat([length, content]);
}

function extension(type: number, content: Buffer | string): Buffer {
  return Buffer.concat([
    Buffer.of(type >> 8, type & 255),
    vector(2, Buffer.from(content as string, "latin1")),
  ]);
}

function serverName(name: string, type = 0): Buffer {
  return extension(0, vector(2, named(name, type)));
}

function named(name: string, type = 0): Buffer {
  return Buffer.concat([Buffer.of(type), vector(2, Buffer.from(name, "latin1"))]);
}

/** A ClientHello in one record, by the picture. */
function hello(extensions: readonly Buffer[], { major = 3, sessionId = 32, behind = "" } = {}): Buffer {
  const body = Buffer.concat([
    Buffer.of(major, 3),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(sessionId)),
    vector(2, Buffer.of(0x13, 1)),
    vector(1, Buffer.of(0)),
    vector(2, Buffer.concat(extensions)),
    Buffer.from(behind),
  ]);
  return inRecords(Buffer.concat([Buffer.of(1), vector(3, body)]), 2 ** 14);
}

describe("parseClientHello()", () => {
  test.for([1, 2, 3, 4, 5, 7, 100, 1400])("reads a hello in records of %i bytes", (longest) => {
    const stream = inRecords(large.subarray(RECORD_HEADER), longest);
    expect(parseClientHello(stream)).toEqual(hosts(["SNI", "www.example.org"]));
    const kinds = Array.from(stream.keys(), (length) => parseClientHello(stream.subarray(0, length)).kind);
    expect(new Set(kinds)).toEqual(new Set(["incomplete"]));
  });

  test("does not look at what follows the hello", () => {
    const early = Buffer.concat([small, Buffer.of(20, 3, 3, 0, 1, 1), Buffer.of(23, 3, 3, 0, 0)]);
    expect(parseClientHello(early)).toEqual(hosts(["SNI", "www.example.org"]));
    const inPieces = Buffer.concat([inRecords(handshake, 100), Buffer.from("anything")]);
    expect(parseClientHello(inPieces)).toEqual(hosts(["SNI", "www.example.org"]));
  });

  test.for([
    { name: "marks an outer hello", body: "\0rest", ech: { ech: true } },
    { name: "does not mark an inner one", body: "\x01", ech: {} },
  ])("$name", ({ body, ech }) => {
    const stream = hello([extension(0xfe0d, body), serverName("public.example.org")]);
    expect(parseClientHello(stream)).toEqual({
      kind: "host",
      names: [{ name: "public.example.org", service: "SNI", ...ech }],
    });
  });

  test.for([
    {
      name: "as they came, a character per byte",
      name_: "A|\n\x1b[31m\x80\xff.example",
      want: "A|\n\x1b[31m\x80\xff.example",
    },
    { name: "however long they are", name_: "a".repeat(10_000), want: "a".repeat(10_000) },
  ])("gives names $name", ({ name_, want }) => {
    expect(parseClientHello(hello([serverName(name_)]))).toEqual(hosts(["SNI", want]));
  });

  test("passes over names of other types", () => {
    const list = Buffer.concat([named("other", 1), named("a.example"), named("b.example")]);
    expect(parseClientHello(hello([extension(0, vector(2, list))]))).toEqual(hosts(["SNI", "a.example"]));
  });

  test.for([
    {
      name: "without extensions",
      stream: inRecords(
        Buffer.concat([
          Buffer.of(1),
          vector(3, Buffer.concat([Buffer.of(3, 3), Buffer.alloc(32), Buffer.of(0, 0, 2, 0, 47, 1, 0)])),
        ]),
        500,
      ),
    },
    { name: "with no extension in it", stream: hello([]) },
    { name: "with other extensions", stream: hello([extension(16, "h2"), extension(0xfe0d, "\0")]) },
    { name: "with a name of another type alone", stream: hello([serverName("a.example", 1)]) },
  ])("finds no host in a hello $name", ({ stream }) => {
    expect(parseClientHello(stream)).toEqual({ kind: "no-host" });
  });

  test.for([
    { name: "another type of record", stream: Buffer.of(23) },
    { name: "SSL 2", stream: Buffer.of(0x80, 0x2e) },
    { name: "another version", stream: Buffer.of(22, 2) },
    { name: "an empty record", stream: Buffer.of(22, 3, 1, 0, 0) },
    { name: "a record longer than any", stream: Buffer.of(22, 3, 1, 0x41, 1) },
    { name: "another message", stream: Buffer.of(22, 3, 3, 0, 50, 2) },
    { name: "a hello longer than a flow is kept", stream: Buffer.of(22, 3, 1, 0x40, 0, 1, 0, 0x40, 1) },
    {
      name: "another record within a hello",
      stream: Buffer.concat([small.subarray(0, 3), Buffer.of(0, 2, 1, 0, 23)]),
    },
    { name: "another version within a hello", stream: hello([serverName("a.example")], { major: 2 }) },
    { name: "a session id of 33 bytes", stream: hello([serverName("a.example")], { sessionId: 33 }) },
    {
      name: "bytes behind the extensions",
      stream: hello([serverName("a.example")], { behind: "\0\x10\0\0" }),
    },
    { name: "an extension that is cut off", stream: hello([serverName("a.example").subarray(0, -1)]) },
    { name: "an empty name", stream: hello([serverName("")]) },
    { name: "an empty list", stream: hello([extension(0, "")]) },
    {
      name: "a name longer than its list",
      stream: hello([extension(0, vector(2, Buffer.from("\0\0\x0aa")))]),
    },
    { name: "a list shorter than its extension", stream: hello([extension(0, "\0\x04\0\0\x01ax")]) },
  ])("takes $name for no hello", ({ stream }) => {
    expect(parseClientHello(stream)).toEqual(MISMATCH);
  });
});

describe("parseHandshake()", () => {
  test("reads a bare message for the service it is told", () => {
    expect(parseHandshake(handshake, "QUIC")).toEqual(hosts(["QUIC", "www.example.org"]));
  });

  test("waits for all of it", () => {
    const kinds = Array.from(
      handshake.keys(),
      (length) => parseHandshake(handshake.subarray(0, length), "QUIC").kind,
    );
    expect(new Set(kinds)).toEqual(new Set(["incomplete"]));
  });

  test("takes another message for none", () => {
    expect(parseHandshake(Buffer.of(2), "QUIC")).toEqual(MISMATCH);
  });
});
