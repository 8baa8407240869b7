/** The API, put together. */
import { Hono } from "hono";
import { VERSION } from "../../../version.ts";
import { needs, type WebEnv } from "../viewer.ts";
import { accountRoutes } from "./accounts.ts";
import { answerFailure } from "./answers.ts";
import { connectionRoutes } from "./connections.ts";
import { hostRoutes } from "./hosts.ts";
import { legacyRoutes } from "./legacy.ts";
import { apiDocument } from "./openapi/document.ts";
import { pastRoutes } from "./past.ts";
import { ServerFigures, serverRoutes } from "./server.ts";
import { sessionRoutes } from "./sessions.ts";
import type { ApiSources } from "./sources.ts";

/** Behind the steps that say who asks (`WebEnv`), bound what he sends and answer what fails inside. */
export function apiRoutes(sources: ApiSources): Hono<WebEnv> {
  const figures = new ServerFigures(sources);
  const routes = new Hono<WebEnv>();
  routes.onError(answerFailure);
  routes.get("/api/openapi.json", needs("read"), (context) => context.json(apiDocument(VERSION)));
  routes.route("/api/v1/accounts", accountRoutes(sources));
  for (const part of [
    pastRoutes(sources),
    sessionRoutes(sources),
    connectionRoutes(sources),
    hostRoutes(sources),
    serverRoutes(sources, figures),
  ]) {
    routes.route("/api/v1", part);
  }
  routes.route("/api", legacyRoutes(sources, figures));
  return routes;
}
