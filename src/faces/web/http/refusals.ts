/**
 * Every request that is turned away, counted by reason and put down in the audit
 * trail, and what it is answered with.
 */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AuditTrail } from "../audit-trail.ts";
import type { ErrorBody } from "../wire.ts";

/** Each with what it is called in the audit trail. All of them are known, so that a counter exists before its first. */
const REASONS = {
  no_login: "nobody was signed in",
  unknown_login: "the login is not known",
  expired_login: "the login had ended",
  unknown_token: "the token is not known",
  forbidden: "who asked may not do that",
  foreign_origin: "it came from another origin's page",
  foreign_host: "its Host is not one of ours",
  no_proxy: "it came past the trusted proxies, without TLS",
  bad_path: "its path is a trick",
  bad_request: "it is no HTTP that we know",
  large_body: "its body is too large",
  large_headers: "its headers are too large",
  slow: "it was not sent in time",
  wrong_password: "the name or the password is wrong",
  delayed: "a sign-in had to wait after those that failed",
  busy: "too many sign-ins at once",
  too_many_requests: "too many requests",
  too_many_connections: "too many connections",
} as const satisfies Record<string, string>;

export type RefusalReason = keyof typeof REASONS;

/** One answer: status, the API's code for it, and a sentence for people. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly message: string;
  /** In seconds. */
  readonly retryAfter?: number;
}

export class Refusals {
  /** Since the start; every reason is there. For /metrics. */
  readonly counts: ReadonlyMap<RefusalReason, number>;
  readonly #counts: Map<RefusalReason, number>;
  readonly #trail: AuditTrail;

  constructor(trail: AuditTrail) {
    this.#trail = trail;
    this.#counts = new Map(Object.keys(REASONS).map((reason) => [reason as RefusalReason, 0]));
    this.counts = this.#counts;
  }

  /** @param actor the name that was tried, or whose token or login it was. */
  note(reason: RefusalReason, address: string, actor = ""): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    const failed = reason === "wrong_password" || reason === "delayed" || reason === "busy";
    const kind = failed ? "web-sign-in-failed" : "web-refused";
    this.#trail.note({ kind, actor, address, text: `Refused: ${REASONS[reason]}` });
  }
}

export function refusalBody({ code, message }: Refusal): ErrorBody {
  return { error: { code, message } };
}

export function retryHeader({ retryAfter }: Refusal): Record<string, string> {
  return retryAfter === undefined ? {} : { "retry-after": String(Math.max(1, Math.ceil(retryAfter))) };
}

/** As the API answers. Whoever calls it has noted it. */
export function answerRefusal(context: Context, refusal: Refusal): Response {
  return context.json(refusalBody(refusal), refusal.status, retryHeader(refusal));
}
