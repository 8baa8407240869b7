/** /api/v1/tokens: admins make and revoke the tokens of programs. */
import { Hono } from "hono";
import { RefusedRequestError } from "../../../errors.ts";
import { badBody, jsonObject } from "../http/json-body.ts";
import { needs, type WebEnv } from "../viewer.ts";
import type { WebCore } from "../web-core.ts";
import type { MadeTokenBody, Scope, TokensBody } from "../wire.ts";

export function tokenRoutes({ tokens, trail, now }: WebCore): Hono<WebEnv> {
  const routes = new Hono<WebEnv>();
  routes.use("/api/v1/tokens/*", needs("admin"));
  routes.get("/api/v1/tokens", (at) => at.json<TokensBody>({ tokens: tokens.list() }));
  routes.post("/api/v1/tokens", async (at) => {
    const { name, scopes } = (await jsonObject(at)) ?? {};
    if (typeof name !== "string" || !Array.isArray(scopes))
      return badBody(at, '{"name": text, "scopes": ["read" | "metrics" | "write"]}');
    const actor = at.get("viewer")?.name ?? "";
    try {
      const made = tokens.make({ name, scopes: scopes as Scope[] }, actor, now());
      const text = `Made the token "${name}" (${made.row.scopes.join(", ")})`;
      trail.note({ kind: "web-changed", actor, address: at.get("address"), text });
      return at.json<MadeTokenBody>(made, 201);
    } catch (error) {
      if (!(error instanceof RefusedRequestError)) throw error;
      return at.json({ error: { code: "refused", message: error.message } }, 400);
    }
  });
  routes.delete("/api/v1/tokens/:id{[0-9]{1,15}}", (at) => {
    const row = tokens.revoke(Number(at.req.param("id")));
    if (!row) return at.json({ error: { code: "not_found", message: "There is no such token" } }, 404);
    const text = `Revoked the token "${row.name}"`;
    const actor = at.get("viewer")?.name ?? "";
    trail.note({ kind: "web-changed", actor, address: at.get("address"), text });
    return at.body(null, 204);
  });
  return routes;
}
