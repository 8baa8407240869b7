/**
 * The steps that every request takes before the routes: who it is, whether he asks too
 * often, whether it is our page that asks, how much it sends. And on the way back,
 * the count of what was refused.
 */
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Identity } from "../auth/identity.ts";
import type { Viewer, WebEnv } from "../viewer.ts";
import type { WebCore } from "../web-core.ts";
import { Buckets } from "./buckets.ts";
import { limitKey } from "./client-address.ts";
import type { RequestFacts } from "./door.ts";
import { originOf } from "./origin.ts";
import { answerRefusal, type Refusal, type RefusalReason } from "./refusals.ts";

/** What our own steps know of a request, beside what they tell the routes. */
export interface CoreEnv {
  readonly Bindings: RequestFacts;
  readonly Variables: WebEnv["Variables"] & {
    readonly identity: Identity;
    /** It was refused, and noted, or needs no note. */
    readonly noted: boolean;
  };
}

type Step = MiddlewareHandler<CoreEnv>;

const SIGN_IN_BYTES = 4 * 1024;
const BODY_BYTES = 64 * 1024;
const SIGN_IN_PATHS: readonly string[] = ["/login", "/api/v1/session"];

/** Turns a request away, with a note. */
export function refuse(context: Context<CoreEnv>, core: WebCore, refusal: Refusal, actor?: string): Response {
  const name = actor ?? context.get("viewer")?.name ?? "";
  core.refusals.note(refusal.reason, context.get("address"), name);
  context.set("noted", true);
  return answerRefusal(context, refusal);
}

/** Outermost: sees every answer, those of errors too. */
export function finishing(core: WebCore): Step {
  return async (context, next) => {
    context.set("address", context.env.address);
    context.set("secure", context.env.secure);
    await next();
    const reason = context.get("noted") ? undefined : reasonOf(context.res.status, context.get("identity"));
    if (reason) core.refusals.note(reason, context.env.address, context.get("viewer")?.name);
  };
}

/** Of what a route refused by itself. */
function reasonOf(status: number, identity: Identity | undefined): RefusalReason | undefined {
  if (status === 401) return identity?.kind === "nobody" ? identity.why : "forbidden";
  if (status === 403) return "forbidden";
  if (status === 413) return "large_body";
  return status === 429 ? "too_many_requests" : undefined;
}

export function identifying(core: WebCore): Step {
  return async (context, next) => {
    const shown = {
      authorization: context.req.header("authorization"),
      cookie: context.req.header("cookie"),
    };
    const identity = core.identities.of(shown, context.env.secure);
    context.set("identity", identity);
    context.set("viewer", identity.kind === "nobody" ? undefined : identity.viewer);
    await next();
  };
}

/** Of whoever asks: the signed in and the tokens by themselves, all others by their address. */
export class RequestLimits {
  readonly #viewers = new Buckets(50, 200);
  readonly #strangers = new Buckets(10, 100);

  /** @returns undefined if there is room. */
  refusal(viewer: Viewer | undefined, address: string, now: number): Refusal | undefined {
    const wait = viewer ? this.#viewers.take(viewer.key, now) : this.#strangers.take(limitKey(address), now);
    if (wait === 0) return undefined;
    return {
      ...{ reason: "too_many_requests", status: 429, code: "too_many_requests", retryAfter: wait / 1000 },
      message: "Too many requests: wait as Retry-After says",
    };
  }
}

export function limiting(core: WebCore, limits: RequestLimits): Step {
  return async (context, next) => {
    const refusal = limits.refusal(context.get("viewer"), context.env.address, core.now());
    return refusal ? refuse(context, core, refusal) : next();
  };
}

export const FOREIGN: Refusal = {
  ...{ reason: "foreign_origin", status: 403, code: "forbidden" },
  message: "Expected a request of our own page (Sec-Fetch-Site, Origin), or a token, got neither",
};

/** What changes something is our own page's to send, if it comes by a cookie. */
export function guardingOrigin(core: WebCore): Step {
  return async (context, next) => {
    const { method } = context.req;
    if (method === "GET" || method === "HEAD" || context.get("identity").kind === "token") return next();
    const origin = originOf(
      {
        host: context.req.header("host"),
        origin: context.req.header("origin"),
        fetchSite: context.req.header("sec-fetch-site"),
      },
      context.env.secure,
    );
    // A script that signs in says nothing, and has no cookie yet.
    const allowed = origin === "own" || (origin === "unsaid" && context.get("identity").kind === "nobody");
    return allowed ? next() : refuse(context, core, FOREIGN);
  };
}

export function boundingBodies(core: WebCore): Step {
  const bounded = (maxSize: number) =>
    bodyLimit({
      maxSize,
      onError: (context) =>
        refuse(context as Context<CoreEnv>, core, {
          ...{ reason: "large_body", status: 413, code: "too_large" },
          message: `Expected a body of at most ${maxSize} bytes, got more`,
        }),
    });
  const [signIn, other] = [bounded(SIGN_IN_BYTES), bounded(BODY_BYTES)];
  return (context, next) => {
    const ofSignIn = SIGN_IN_PATHS.includes(context.req.path);
    // Node holds a body to the length it says. Hono's check would make a stream of it first, which costs more than the rest.
    const length = Number(context.req.header("content-length") ?? 0);
    const said = context.req.header("transfer-encoding") === undefined;
    if (said && length <= (ofSignIn ? SIGN_IN_BYTES : BODY_BYTES)) return next();
    return ofSignIn ? signIn(context, next) : other(context, next);
  };
}

/** Pages of the origins in the settings may use the API with a token; a cookie is never theirs. */
export function sharing(origins: readonly string[]): Step {
  return async (context, next) => {
    const origin = context.req.header("origin");
    const shared = origin !== undefined && origins.includes(origin) && context.req.path.startsWith("/api/");
    if (!shared) return next();
    const asked = context.req.header("access-control-request-method");
    const preflight = context.req.method === "OPTIONS" && asked !== undefined;
    if (!preflight) await next();
    else context.res = new Response(null, { status: 204 });
    const { headers } = context.res;
    headers.set("access-control-allow-origin", origin);
    headers.append("vary", "Origin");
    headers.set("access-control-expose-headers", "Retry-After");
    if (!preflight) return undefined;
    headers.set("access-control-allow-methods", "GET, POST, PATCH, DELETE");
    headers.set("access-control-allow-headers", "Authorization, Content-Type");
    headers.set("access-control-max-age", "600");
    return undefined;
  };
}
