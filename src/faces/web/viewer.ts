/** Who asks, and what he may: a login of the page, or a token of a program. */
import type { Context, MiddlewareHandler } from "hono";
import type { Role, Scope } from "./wire.ts";

/** What the server's first steps found out about a request, for those behind them. */
export interface WebEnv {
  readonly Variables: {
    /** Undefined: nobody is signed in, and no token was shown. */
    readonly viewer: Viewer | undefined;
    /** The client's own, behind trusted proxies too. */
    readonly address: string;
    /** The client speaks TLS, to us or to a trusted proxy. */
    readonly secure: boolean;
  };
}

export interface Viewer {
  /** The admin's name, or the token's. */
  readonly name: string;
  readonly role: Role;
  /** Of a token; a login may whatever its role may. */
  readonly scopes: readonly Scope[] | undefined;
  /** Names the login or the token itself: what is counted and ended by it. */
  readonly key: string;
}

/** What a request takes: "read" is any viewer's, "metrics" a program's, "write" and "admin" an admin's; no token does what is "admin". */
export type Right = "read" | "metrics" | "write" | "admin";

export function may(viewer: Viewer, right: Right): boolean {
  const { role, scopes } = viewer;
  if (scopes)
    return right !== "admin" && (scopes.includes(right) || (right === "metrics" && scopes.includes("read")));
  return role === "admin" || right === "read" || right === "metrics";
}

/** Lets through who may, and answers the others as the API does: 401 for nobody, 403 for somebody else. */
export function needs(right: Right): MiddlewareHandler<WebEnv> {
  return async (context, next) => {
    const refusal = refusalOf(context, right);
    if (!refusal) return next();
    return context.json({ error: { code: refusal.code, message: refusal.message } }, refusal.status);
  };
}

function refusalOf(context: Context<WebEnv>, right: Right) {
  const viewer = context.get("viewer");
  if (!viewer) {
    return {
      status: 401,
      code: "unauthorized",
      message: "Expected a login or a token, got none that is valid",
    } as const;
  }
  if (may(viewer, right)) return undefined;
  const what = viewer.scopes
    ? `the token "${viewer.name}" (${viewer.scopes.join(", ")})`
    : `a ${viewer.role}`;
  return {
    status: 403,
    code: "forbidden",
    message: `Expected somebody who may do this (${right}), got ${what}`,
  } as const;
}
