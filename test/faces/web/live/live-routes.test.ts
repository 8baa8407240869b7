/** GET /api/v1/live, for pages that poll. */
import { Hono } from "hono";
import { expect, test } from "vitest";
import { liveRoutes } from "../../../../src/faces/web/live/live-routes.ts";
import type { Viewer, WebEnv } from "../../../../src/faces/web/viewer.ts";
import { ADMIN, openHub, VIEWER } from "./opened-hub.ts";

async function asked(path: string, viewer: Viewer | undefined) {
  const { hub } = await openHub();
  const app = new Hono<WebEnv>().use(async (context, next) => {
    context.set("viewer", viewer);
    await next();
  });
  const answer = await app.route("/", liveRoutes(hub)).request(path);
  return [answer.status, await answer.json()];
}

test.each([
  ["nobody", "?view=overview", undefined, 401, { error: { code: "unauthorized" } }],
  ["a viewer who wants hosts", "?view=hosts", VIEWER, 403, { error: { code: "forbidden" } }],
  ["no view", "", VIEWER, 400, { error: { code: "bad_request" } }],
  ["nothing to see", "?view=none", VIEWER, 400, {}],
  ["an account without a name", "?view=account", VIEWER, 400, {}],
  [
    "the overview",
    "?view=overview",
    VIEWER,
    200,
    { type: "overview", overview: { connected: true, accounts: 2 } },
  ],
  [
    "all accounts",
    "?view=accounts",
    VIEWER,
    200,
    { type: "accounts", full: true, rows: [["amy"], ["joe"]].map((names) => expect.arrayContaining(names)) },
  ],
  ["one", "?view=account&name=joe", VIEWER, 200, { account: { name: "joe" } }],
  ["nobody's name", "?view=account&name=eve", ADMIN, 200, { type: "account", account: null }],
])("liveRoutes() answers %s", async (_, query, viewer, status, body) => {
  const [got, said] = await asked(`/api/v1/live${query}`, viewer);
  expect(got).toBe(status);
  expect(said).toMatchObject(body);
});
