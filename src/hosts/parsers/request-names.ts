/**
 * The names of HTTP requests, of whichever version: each once, in the order in
 * which they stood there, and no more than a client has reason to send.
 *
 * Pure: no I/O, no state between calls.
 */
import type { NameService, SniffedName, SniffResult } from "./sniff-result.ts";

const MOST_NAMES = 32;

export class RequestNames {
  readonly #names: SniffedName[] = [];

  /** The server that is asked, by `Host` or `:authority`. */
  addHost(value: string): void {
    this.#add(value, "Header-Host");
  }

  /** What a proxy is to connect to; user and password before "@" are left out (RFC 3986 3.2.1). */
  addTarget(authority: string): void {
    this.#add(authority.slice(authority.lastIndexOf("@") + 1), "Proxy-Host");
  }

  /** `X-Forwarded-Host`: what the client asked each proxy before this one for. */
  addForwarded(list: string): void {
    for (const value of list.split(",", MOST_NAMES)) this.#add(value.trim(), "Proxy-Host");
  }

  answer(): SniffResult {
    return this.#names.length > 0 ? { kind: "host", names: this.#names } : { kind: "no-host" };
  }

  #add(name: string, service: NameService): void {
    const isKnown = this.#names.some((known) => known.name === name && known.service === service);
    if (name !== "" && !isKnown && this.#names.length < MOST_NAMES) this.#names.push({ name, service });
  }
}
