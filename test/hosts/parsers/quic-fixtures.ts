/** Recorded QUIC datagrams; test/fixtures/hosts/README-quic.md says how each file was made. */
import { readFileSync } from "node:fs";

/** The clients of whom a name is known. */
export const CLIENTS = [
  { file: "chromium-quic", names: [{ name: "www.example.com", service: "QUIC", ech: true }] },
  { file: "aioquic-v1", names: [{ name: "www.example.org", service: "QUIC" }] },
  { file: "aioquic-v2", names: [{ name: "www.example.org", service: "QUIC" }] },
  { file: "rfc9001-client", names: [{ name: "example.com", service: "QUIC" }] },
  { file: "rfc9369-client", names: [{ name: "example.com", service: "QUIC" }] },
] as const;

/** In the order in which they were sent. */
export function datagramsOf(file: string): Buffer[] {
  const text = readFileSync(new URL(`../../fixtures/hosts/${file}.hex`, import.meta.url), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => Buffer.from(line, "hex"));
}

/** @throws {RangeError} when there is none. */
export function firstDatagramOf(file: string): Buffer {
  const [first] = datagramsOf(file);
  if (first) return first;
  throw new RangeError(`Cannot take the first datagram of ${file}: it has none`);
}
