/** What every request, and every WebSocket, is asked before anybody looks at what it wants. */
import type { IncomingMessage } from "node:http";
import { canonicalAddress } from "../../../addresses.ts";
import type { WebSettings } from "../../../config-parts.ts";
import { TrustedProxies } from "./client-address.ts";
import { isLoopback, isOurHost } from "./listen-address.ts";
import type { Refusal } from "./refusals.ts";
import { pathFault } from "./request-path.ts";

export interface RequestFacts {
  /** The client's own, in its shortest spelling; "" when he has gone already. */
  readonly address: string;
  /** The client speaks TLS, to us or to a trusted proxy. */
  readonly secure: boolean;
}

export class Door {
  readonly #web: Pick<WebSettings, "listen" | "tls">;
  readonly #proxies: TrustedProxies;

  constructor(web: Pick<WebSettings, "listen" | "tls" | "trustedProxies">) {
    this.#web = web;
    this.#proxies = new TrustedProxies(web.trustedProxies);
  }

  factsOf(incoming: IncomingMessage): RequestFacts {
    const peer = peerOf(incoming);
    const address = this.#proxies.clientOf(peer, text(incoming.headers["x-forwarded-for"]));
    // With several proxies each appends its own; the nearest one's is believed.
    const spoken = text(incoming.headers["x-forwarded-proto"])?.split(",").at(-1)?.trim();
    return { address, secure: this.#web.tls !== null || (this.#proxies.has(peer) && spoken === "https") };
  }

  /** Why it goes no further; undefined if it may. */
  refusalOf(incoming: IncomingMessage): Refusal | undefined {
    const { headers, url = "" } = incoming;
    const fault = pathFault(url);
    if (fault !== undefined)
      return {
        ...{ reason: "bad_path", status: 400, code: "refused" },
        message: `Cannot use the path: ${fault}`,
      };
    const proxied = this.#proxies.has(peerOf(incoming));
    if (this.#web.tls === null && !proxied && !isLoopback(this.#web.listen.host))
      return {
        ...{ reason: "no_proxy", status: 403, code: "forbidden" },
        message: "Expected a request through a trusted proxy, or TLS, got neither",
      };
    const vouched = proxied && headers["x-forwarded-for"] !== undefined;
    if (!vouched && !isOurHost(headers.host, this.#web.listen))
      return {
        ...{ reason: "foreign_host", status: 421, code: "refused" },
        message: "Expected a Host that is ours: the address in web.listen, or one of loopback",
      };
    return undefined;
  }
}

function peerOf({ socket }: IncomingMessage): string {
  return canonicalAddress(socket.remoteAddress ?? "") ?? "";
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(",") : header;
}
