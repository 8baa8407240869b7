/** The web as one function from requests to answers: our steps in front, then everybody's routes, then the page. */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { reasonOf } from "../../errors.ts";
import { sessionRoutes } from "./auth/session-routes.ts";
import { tokenRoutes } from "./auth/token-routes.ts";
import { answerFile, answerPlace, type Page } from "./http/static-files.ts";
import {
  boundingBodies,
  type CoreEnv,
  finishing,
  guardingOrigin,
  identifying,
  limiting,
  type RequestLimits,
  sharing,
} from "./http/web-steps.ts";
import type { WebEnv } from "./viewer.ts";
import type { WebCore } from "./web-core.ts";

export interface AppParts {
  readonly page: Page;
  /** Paths whole, "/api/v1/overview", "/metrics"; what each takes is its own to say, by `needs`. */
  readonly routes: readonly Hono<WebEnv>[];
  readonly limits: RequestLimits;
  /** Counts what is answered. */
  readonly count: MiddlewareHandler;
}

export function webApp(core: WebCore, { page, routes, limits, count }: AppParts): Hono<CoreEnv> {
  const app = new Hono<CoreEnv>();
  app.use(count, finishing(core));
  // The page's own files are everybody's, and there are many of them in one look.
  app.get("*", async (at, next) => answerFile(at, page, at.req.path) ?? next());
  app.use(sharing(core.web.corsOrigins), identifying(core), limiting(core, limits));
  app.use(guardingOrigin(core), boundingBodies(core));
  app.route("/", sessionRoutes(core));
  for (const part of [tokenRoutes(core), ...routes]) app.route("/", part);
  app.notFound((at) => (isPlace(at) ? answerPlace(at, page) : noSuchPath(at)));
  app.onError((error, at) => {
    // Who hung up, or was too slow, has left nobody to answer.
    if (at.req.raw.signal.aborted) at.set("noted", true);
    else
      core.log.write("error", "Cannot answer a request", {
        ...{ method: at.req.method, path: at.req.path, reason: reasonOf(error) },
      });
    return at.json(
      { error: { code: "internal_error", message: "Something failed here; the log says what" } },
      500,
    );
  });
  return app;
}

/** Where somebody goes with a browser, and not what a page asks for. */
function isPlace({ req }: Context): boolean {
  const asks = req.path === "/" || (req.header("accept") ?? "").includes("text/html");
  return req.method === "GET" && asks && !/^\/(api|assets)(\/|$)/.test(req.path);
}

function noSuchPath(at: Context): Response {
  return at.json({ error: { code: "not_found", message: "There is nothing at this path" } }, 404);
}
