/**
 * A line of hosts.log: `host|service|source_ip|YYYY-MM-DD HH:MM:SS`.
 *
 * The source is "N/A" where it is not known. Older captures wrote three fields,
 * `host|service|time`, and whoever added a host by hand any word as its service:
 * both are understood.
 *
 * No clock, no I/O, no state between calls.
 */
import { type Hostname, parseHostname } from "./hostname.ts";
import { SERVICES, type Service } from "./sighting.ts";

export interface HostLine {
  readonly host: Hostname;
  /** One of `SERVICES`, or the word somebody put there by hand. */
  readonly service: string;
  /** An address, or `NO_SOURCE`. */
  readonly source: string;
  /** Local time, "YYYY-MM-DD HH:MM:SS". */
  readonly time: string;
}

export const NO_SOURCE = "N/A";

const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
const WORD = /^[A-Za-z0-9_-]{1,16}$/;
const ADDRESS = /^[0-9A-Fa-f.:]{2,45}$/;

/** Without the line's end. */
export function hostLineText({ host, service, source, time }: HostLine): string {
  return `${host}|${service}|${source}|${time}`;
}

/** The source as it may stand in a line: an address, or `NO_SOURCE` for whatever else a log had in its place. */
export function sourceField(text: string | undefined): string {
  return text !== undefined && ADDRESS.test(text) ? text : NO_SOURCE;
}

/** @returns undefined for a line that is none: torn, a comment, or with a name that may not stand in the file. */
export function parseHostLine(text: string): HostLine | undefined {
  const fields = text.trimEnd().split("|"); // an editor's "\r" must not make every host a new one
  const [name = "", service = "", third = "", fourth] = fields;
  const [source, time] = fourth === undefined ? [NO_SOURCE, third] : [third, fourth];
  const host = parseHostname(name);
  if (fields.length > 4 || typeof host !== "string" || !WORD.test(service) || !TIME.test(time)) {
    return undefined;
  }
  return { host, service, source: sourceField(source), time };
}

/** The service as we write it ("trojan" is TROJAN); undefined for a word that is none. */
export function serviceNamed(word: string): Service | undefined {
  return SERVICES.find((service) => service.toLowerCase() === word.toLowerCase());
}
