/** /api/v1/accounts: the list, one of them, and what may be done to him. */
import { Hono } from "hono";
import type { LimitRequest, UserRow } from "../../../control/rows.ts";
import { RefusedRequestError, UnknownUserError, UnreachableError } from "../../../errors.ts";
import { needs, type WebEnv } from "../viewer.ts";
import type { AccountBody, AccountsBody, KickBody } from "../wire.ts";
import { accountPage } from "./account-list.ts";
import { actorOf, bodyOf, queryOf, refuse } from "./answers.ts";
import { BadRequestError, type Read } from "./input.ts";
import { ACCOUNT_LIST, DELETION, LIMITS, NEW_ACCOUNT } from "./requests.ts";
import type { ApiSources } from "./sources.ts";

export function accountRoutes(sources: ApiSources): Hono<WebEnv> {
  const { desk, hub, settings } = sources;
  const routes = new Hono<WebEnv>();

  routes.get("/", needs("read"), async (context) => {
    const filter = queryOf(context, ACCOUNT_LIST);
    if (!(await hub.heard())) {
      throw new UnreachableError("Cannot list the accounts: the daemon does not answer");
    }
    return context.json(accountPage(hub.users().values(), filter) satisfies AccountsBody);
  });

  routes.post("/", needs("write"), async (context) => {
    const { name, ...limits } = await bodyOf(context, NEW_ACCOUNT);
    if ((await found(sources, name)) !== undefined) {
      throw new RefusedRequestError(`Cannot make an account for "${name}": there is one of that name`);
    }
    await desk.setLimit(limitRequest(name, limits, true), actorOf(context));
    return context.json(await accountBody(sources, name), 201);
  });

  routes.get("/:name", needs("read"), async (context) =>
    context.json(await accountBody(sources, context.req.param("name"))),
  );

  routes.patch("/:name", needs("write"), async (context) => {
    const name = context.req.param("name");
    const limits = await bodyOf(context, LIMITS);
    if (limits.totalBytes === undefined && limits.dailyBytes === undefined && limits.period === undefined) {
      throw new BadRequestError(
        "Cannot read the body: expected totalBytes, dailyBytes or period, got none of them",
      );
    }
    await desk.setLimit(limitRequest(name, limits, false), actorOf(context));
    return context.json(await accountBody(sources, name));
  });

  routes.post("/:name/reset", needs("write"), async (context) => {
    const name = context.req.param("name");
    await desk.reset({ name, all: false }, actorOf(context));
    return context.json(await accountBody(sources, name));
  });

  for (const [order, disabled] of [
    ["disable", true],
    ["enable", false],
  ] as const) {
    routes.post(`/:name/${order}`, needs("write"), async (context) => {
      const name = context.req.param("name");
      await desk.setDisabled(name, disabled, actorOf(context));
      return context.json(await accountBody(sources, name));
    });
  }

  routes.post("/:name/kick", needs("write"), async (context) => {
    const reply = await desk.openvpnKick(context.req.param("name"), actorOf(context));
    return context.json(reply satisfies KickBody);
  });

  routes.delete("/:name", needs("write"), async (context) => {
    const name = context.req.param("name");
    if (!settings.web?.mayDelete) {
      return refuse(
        context,
        403,
        "forbidden",
        "Cannot delete an account here: the settings do not let the web do so (web.may_delete)",
      );
    }
    const { confirm, keepLogin } = await bodyOf(context, DELETION);
    if (confirm !== name) {
      throw new BadRequestError(
        `Cannot delete "${name}": expected confirm to be the account's name, got ${JSON.stringify(confirm.slice(0, 80))}`,
      );
    }
    await desk.delete(name, keepLogin, actorOf(context));
    return context.body(null, 204);
  });

  return routes;
}

function limitRequest(name: string, limits: Read<typeof LIMITS>, create: boolean): LimitRequest {
  const { totalBytes, dailyBytes, period = "", confirm } = limits;
  return { name, totalBytes, dailyBytes, period, yes: confirm, create };
}

/** Whole, with what only a look at one account tells. @throws {UnknownUserError} */
async function accountBody({ desk }: ApiSources, name: string): Promise<AccountBody> {
  if (name === "") throw new UnknownUserError(name); // "" asks the daemon for all
  const [account] = await desk.listUsers(name);
  if (!account) throw new UnknownUserError(name);
  return { account };
}

async function found(sources: ApiSources, name: string): Promise<UserRow | undefined> {
  try {
    return (await accountBody(sources, name)).account;
  } catch (error) {
    if (error instanceof UnknownUserError) return undefined;
    throw error;
  }
}
