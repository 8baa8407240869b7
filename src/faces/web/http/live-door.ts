/** The live socket's door: /api/v1/live, for who may read, from our own page or with a token. */
import type { IncomingMessage } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { may, type Viewer } from "../viewer.ts";
import type { WebCore } from "../web-core.ts";
import { originOf } from "./origin.ts";
import { type Refusal, refusalBody, retryHeader } from "./refusals.ts";
import { FOREIGN, type RequestLimits } from "./web-steps.ts";

const PATH = "/api/v1/live";
/** A `LiveView` is far smaller. */
const MESSAGE_BYTES = 4_096;

export class LiveDoor implements Disposable {
  readonly #core: WebCore;
  readonly #limits: RequestLimits;
  readonly #attach: (socket: WebSocket, viewer: Viewer) => void;
  readonly #server = new WebSocketServer({
    ...{ noServer: true, perMessageDeflate: false, maxPayload: MESSAGE_BYTES, clientTracking: true },
  });

  constructor(core: WebCore, limits: RequestLimits, attach: (socket: WebSocket, viewer: Viewer) => void) {
    this.#core = core;
    this.#limits = limits;
    this.#attach = attach;
  }

  open(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy()); // he is gone, which is all there is to know
    const answer = this.#admit(incoming);
    if ("reason" in answer) return this.#refuse(incoming, socket, answer);
    this.#server.handleUpgrade(incoming, socket, head, (live) => {
      live.on("error", () => live.terminate()); // a message too large, or no WebSocket's
      this.#attach(live, answer);
    });
  }

  [Symbol.dispose](): void {
    for (const live of this.#server.clients) live.terminate();
    this.#server.close();
  }

  /** Who it is, if he may. */
  #admit(incoming: IncomingMessage): Viewer | Refusal {
    const { headers } = incoming;
    const { door, identities, now } = this.#core;
    const refused = door.refusalOf(incoming);
    if (refused) return refused;
    const { address, secure } = door.factsOf(incoming);
    const identity = identities.of(headers, secure);
    const viewer = identity.kind === "nobody" ? undefined : identity.viewer;
    const limited = this.#limits.refusal(viewer, address, now());
    if (limited) return limited;
    if (identity.kind === "nobody")
      return {
        reason: identity.why,
        status: 401,
        code: "unauthorized",
        message: "Expected a login or a token",
      };
    const fetchSite = headers["sec-fetch-site"];
    const origin = originOf(
      {
        ...{ host: headers.host, origin: headers.origin },
        fetchSite: typeof fetchSite === "string" ? fetchSite : undefined,
      },
      secure,
    );
    // Browsers name the origin of every WebSocket; who does not is none, and has no business with a cookie.
    if (identity.kind === "login" && (headers.origin === undefined || origin !== "own")) return FOREIGN;
    if (!may(identity.viewer, "read"))
      return { reason: "forbidden", status: 403, code: "forbidden", message: "Expected who may read" };
    if (incoming.url?.split("?", 1)[0] !== PATH)
      return { reason: "bad_request", status: 404, code: "not_found", message: `Expected ${PATH}` };
    return identity.viewer;
  }

  #refuse(incoming: IncomingMessage, socket: Duplex, refusal: Refusal): void {
    this.#core.refusals.note(refusal.reason, this.#core.door.factsOf(incoming).address);
    const body = JSON.stringify(refusalBody(refusal));
    const headers = {
      ...retryHeader(refusal),
      ...{
        "Content-Type": "application/json",
        Connection: "close",
        "Content-Length": Buffer.byteLength(body),
      },
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}\r\n${lines.join("")}\r\n${body}`);
  }
}
