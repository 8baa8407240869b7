/**
 * The doors of an engine: where each listens and who may come in.
 *
 * Pure: no clock, no I/O.
 */
import { type EngineClient, readClients } from "./engine-clients.ts";
import { fieldAt, mismatch, type Section, sectionAt, sectionsAt, textAt } from "./json-section.ts";

export interface EngineInbound {
  /** Place in the file's list, from 0. The only name of an inbound without a tag. */
  readonly index: number;
  /** The API can only reach an inbound that has one. */
  readonly tag: string | undefined;
  /** In lower case: "vless", "dokodemo-door". */
  readonly protocol: string;
  /** An address, a path or "@name" of a unix socket; undefined for all addresses. */
  readonly listen: string | undefined;
  /** Every TCP/UDP port it listens on, ranges written out. Empty for unix sockets and ports taken from the environment. */
  readonly ports: readonly number[];
  readonly clients: readonly EngineClient[];
}

export function readInbounds(root: Section): EngineInbound[] {
  return (sectionsAt(root, "inbounds") ?? []).map(({ at, section }) => {
    const protocol = (textAt(section, "protocol") ?? "").toLowerCase();
    const settings = sectionAt(section, "settings");
    return {
      index: at,
      tag: textAt(section, "tag") || undefined,
      protocol,
      listen: textAt(section, "listen") || undefined,
      ports: readPorts(section),
      clients: settings ? readClients(protocol, settings) : [],
    };
  });
}

/** 443, "443", "1000-1005", "80,443" or "env:NAME" (which only the engine's own environment can tell). */
function readPorts(inbound: Section): number[] {
  const value = fieldAt(inbound, "port");
  if (value === undefined) return [];
  if (typeof value !== "string" && typeof value !== "number") {
    mismatch(inbound, "port", "a port or a range of ports", value);
    return [];
  }
  return String(value)
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && !part.startsWith("env:"))
    .flatMap((part) => {
      const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
      const from = Number(first);
      const to = Number(last);
      if (first === undefined || to > 65535 || from > to) {
        inbound.problems.push(`${inbound.path}.port: expected a port or a range of ports, got "${part}"`);
        return [];
      }
      return Array.from({ length: to - from + 1 }, (_, offset) => from + offset);
    });
}
