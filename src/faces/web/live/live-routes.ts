/** GET /api/v1/live: what the live socket would say, for pages behind a proxy that lets no WebSocket through. */
import { Hono } from "hono";
import { needs, type Viewer, type WebEnv } from "../viewer.ts";
import { type LiveHub, maySee } from "./hub.ts";
import { liveView } from "./live-view.ts";

export function liveRoutes(hub: Pick<LiveHub, "view">): Hono<WebEnv> {
  const routes = new Hono<WebEnv>();
  routes.get("/api/v1/live", needs("read"), async (context) => {
    const view = liveView(context.req.query("view"), context.req.query("name"));
    if (!view || view.view === "none") {
      const message = 'Expected "view" to be overview, accounts, hosts, or account with a "name"';
      return context.json({ error: { code: "bad_request", message } }, 400);
    }
    const viewer = context.get("viewer") as Viewer; // needs() lets nobody else through
    if (!maySee(view, viewer)) {
      const message = `Expected an admin, got a ${viewer.role}`;
      return context.json({ error: { code: "forbidden", message } }, 403);
    }
    return context.json(await hub.view(view, viewer));
  });
  return routes;
}
