/** Signing in and out, over /api/v1/session and as older dashboards had it: /login, /logout. */
import { type Context, Hono } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import { VERSION } from "../../../version.ts";
import { badBody, jsonObject } from "../http/json-body.ts";
import { retryHeader } from "../http/refusals.ts";
import { type CoreEnv, refuse } from "../http/web-steps.ts";
import type { WebCore } from "../web-core.ts";
import type { SessionBody, SetupBody, SignInBody } from "../wire.ts";
import { cookieName } from "./identity.ts";
import { NO_ADMIN, type SignedIn } from "./sign-in.ts";

type At = Context<CoreEnv>;

export function sessionRoutes(core: WebCore): Hono<CoreEnv> {
  const routes = new Hono<CoreEnv>();
  routes.get("/api/v1/setup", (at) => at.json<SetupBody>({ ready: !core.admins.isEmpty() }));
  routes.get("/api/v1/session", (at) => {
    const identity = at.get("identity");
    if (identity.kind === "login") return at.json(sessionBody(core, identity.login));
    // The page asks this to learn whether anybody is signed in: no is an answer.
    if (identity.kind === "nobody" && identity.why === "no_login") at.set("noted", true);
    return at.json({ error: { code: "unauthorized", message: "Nobody is signed in" } }, 401);
  });
  routes.post("/api/v1/session", async (at) => {
    const body = signInBody(await jsonObject(at));
    if (!body) return badBody(at, '{"username": text, "password": text}');
    const signedIn = await signIn(at, core, body);
    if (signedIn.kind === "refused") return refuse(at, core, signedIn.refusal, body.username);
    if (signedIn.kind === "no-admin") {
      at.set("noted", true);
      return at.json({ error: { code: "no_admin", message: NO_ADMIN } }, 401);
    }
    const login = core.logins.find(signedIn.token, core.now());
    if (typeof login === "string") throw new Error("Cannot find the login that has just begun");
    return at.json(sessionBody(core, login));
  });
  routes.delete("/api/v1/session", (at) => {
    signOut(at, core, "one");
    return at.body(null, 204);
  });
  routes.delete("/api/v1/sessions", (at) => {
    if (at.get("identity").kind !== "login") {
      return at.json({ error: { code: "unauthorized", message: "Expected a login, got none" } }, 401);
    }
    signOut(at, core, "all");
    return at.body(null, 204);
  });

  routes.post("/login", async (at) => {
    const body = signInBody(await jsonObject(at));
    if (!body) return at.json({ success: false, error: "Expected username and password in JSON" }, 400);
    const signedIn = await signIn(at, core, body);
    if (signedIn.kind === "signed-in") return at.json({ success: true });
    at.set("noted", true);
    if (signedIn.kind === "no-admin") return at.json({ success: false, error: NO_ADMIN }, 401);
    const { refusal } = signedIn;
    core.refusals.note(refusal.reason, at.env.address, body.username);
    return at.json({ success: false, error: refusal.message }, refusal.status, retryHeader(refusal));
  });
  routes.post("/logout", (at) => {
    signOut(at, core, "one");
    return at.json({ success: true });
  });
  // Another site's link brings no cookie (SameSite=Strict); a page of a neighbour host would, and is told by this header.
  routes.get("/logout", (at) => {
    const site = at.req.header("sec-fetch-site") ?? "none";
    if (site === "none" || site === "same-origin") signOut(at, core, "one");
    return at.redirect("/", 303);
  });
  return routes;
}

async function signIn(at: At, core: WebCore, { username, password }: SignInBody): Promise<SignedIn> {
  const { address, secure } = at.env;
  const signedIn = await core.signIn.attempt(username, password, address);
  if (signedIn.kind === "signed-in") {
    setCookie(at, cookieName(secure), signedIn.token, cookieOptions(secure));
    core.trail.note({ kind: "web-signed-in", actor: username, address, text: "Signed in" });
  }
  return signedIn;
}

/** Of nobody's login nothing is ended; the cookie goes all the same. */
function signOut(at: At, core: WebCore, which: "one" | "all"): void {
  const { address, secure } = at.env;
  const identity = at.get("identity");
  deleteCookie(at, cookieName(secure), cookieOptions(secure));
  if (identity.kind !== "login") return;
  if (which === "all") core.logins.endAll(identity.login.id);
  else core.logins.end(identity.login.id);
  const text = which === "all" ? "Signed out everywhere" : "Signed out";
  core.trail.note({ kind: "web-signed-out", actor: identity.viewer.name, address, text });
}

/** Without an age: the browser drops it when it closes, and we end the login by our own clock. */
function cookieOptions(secure: boolean) {
  return { httpOnly: true, sameSite: "Strict", path: "/", secure } as const;
}

function signInBody(body: Readonly<Record<string, unknown>> | undefined): SignInBody | undefined {
  const { username, password } = body ?? {};
  return typeof username === "string" && typeof password === "string" ? { username, password } : undefined;
}

function sessionBody(
  { settings, web }: WebCore,
  { name, role, expiresAt }: Pick<SessionBody, "name" | "role" | "expiresAt">,
): SessionBody {
  return { name, role, expiresAt, version: VERSION, timeZone: settings.timeZone, mayDelete: web.mayDelete };
}
