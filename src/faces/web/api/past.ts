/** /api/v1/usage, /accounts/{name}/usage and /events: what the history tells. */
import { type Context, Hono } from "hono";
import type { PastEvent } from "../../../history/records.ts";
import { unixTime } from "../../../units.ts";
import { needs, type Viewer, type WebEnv } from "../viewer.ts";
import type { EventsBody, UsageBody } from "../wire.ts";
import { queryOf, viewerOf } from "./answers.ts";
import { EVENTS, USAGE } from "./requests.ts";
import { addressViewOf, seesWholeAddresses } from "./shown-address.ts";
import type { ApiSources } from "./sources.ts";
import { usageSpan } from "./usage-span.ts";

export function pastRoutes({ history, settings, now }: ApiSources): Hono<WebEnv> {
  const routes = new Hono<WebEnv>();

  const usage = (context: Context<WebEnv>, account?: string) => {
    const { range } = queryOf(context, USAGE);
    const { stepS, span } = usageSpan(range, unixTime(now()), settings.timeZone);
    using past = history();
    const points = past?.series(span, account) ?? [];
    return context.json({
      range,
      stepS,
      at: points.map(({ at }) => at),
      uplink: points.map(({ up }) => up),
      downlink: points.map(({ down }) => down),
    } satisfies UsageBody);
  };
  routes.get("/usage", needs("read"), (context) => usage(context));
  routes.get("/accounts/:name/usage", needs("read"), (context) => usage(context, context.req.param("name")));

  routes.get("/events", needs("read"), (context) => {
    const { user, limit, ...query } = queryOf(context, EVENTS);
    const viewer = viewerOf(context);
    using past = history();
    const events = past?.events({ account: user, most: limit, ...query }) ?? [];
    return context.json({
      events: events.map((event) => shownEvent(event, viewer)),
    } satisfies EventsBody);
  });

  return routes;
}

/** Who mistook the fields of the sign-in has typed a password where a name belongs: only admins see what was typed. */
function shownEvent(event: PastEvent, viewer: Viewer): PastEvent {
  if (seesWholeAddresses(viewer)) return event;
  if (event.kind === "web-sign-in-failed") return { ...event, user: "", text: "A sign-in failed" };
  return { ...event, text: addressViewOf(viewer).text(event.text) };
}
