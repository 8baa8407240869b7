/**
 * The dashboard, put together: who may sign in, what the enforcer and the capture
 * say over their sockets, what the history holds, and the server in front. Taken
 * down in reverse.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "./clock.ts";
import type { Settings } from "./config.ts";
import type { WebSettings } from "./config-parts.ts";
import { WebClient } from "./control/web-client.ts";
import { apiRoutes } from "./faces/web/api/routes.ts";
import { hashPassword } from "./faces/web/auth/password-hash.ts";
import { Places } from "./faces/web/geoip/places.ts";
import { listenText } from "./faces/web/http/listen-address.ts";
import { readPage } from "./faces/web/http/static-files.ts";
import { LiveHub } from "./faces/web/live/hub.ts";
import { liveRoutes } from "./faces/web/live/live-routes.ts";
import { AnswerCounts } from "./faces/web/metrics/answer-counts.ts";
import { metricsRoutes } from "./faces/web/metrics/metrics-routes.ts";
import { openWebCore } from "./faces/web/web-core.ts";
import { type RunningServer, startWebServer } from "./faces/web/web-server.ts";
import { HistoryReader } from "./history/queries.ts";
import { CaptureClient, captureWebSocket } from "./hosts/capture-client.ts";
import type { Log } from "./log.ts";

export interface WebOptions {
  readonly settings: Settings;
  /** The settings' part on the web, which may be switched off there. */
  readonly web: WebSettings;
  readonly log: Log;
}

/** A dashboard that is served, until it is disposed of. */
export interface Web extends RunningServer {
  /** Where a browser finds it. */
  readonly address: string;
  /** Somebody may sign in. */
  readonly ready: boolean;
  /** Gives an admin of this name a new password, which is told here alone; makes him if he is not there. */
  letIn(name: string): Promise<string>;
}

const clock = systemClock;
/** Beside src and beside what is built of it: dist/page. */
const PAGE = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../dist/page" : "./page", import.meta.url),
);

/**
 * Serves the dashboard. The enforcer and the capture may come and go meanwhile.
 *
 * @throws {InvalidSettingsError} where it would be public without TLS.
 * @throws the system's error when the page was not built, the place is taken, or web.db cannot be used.
 */
export async function startWeb({ settings, web, log }: WebOptions): Promise<Web> {
  const page = await readPage(PAGE);
  await using parts = new AsyncDisposableStack();
  const now = () => clock.unix();
  const desk = parts.use(new WebClient(join(settings.runtimeDirectory, "web.sock")));
  const core = parts.use(openWebCore({ ...{ settings, web, log, now }, audit: (rows) => desk.audit(rows) }));
  const capture = new CaptureClient(captureWebSocket(settings));
  const hub = parts.use(
    new LiveHub({ ...{ desk, capture, clock }, stillMay: (viewer) => core.stillMay(viewer) }),
  );
  const history = join(settings.dataDirectory, "history.db");
  const answers = new AnswerCounts();
  const routes = [
    liveRoutes(hub),
    metricsRoutes({
      ...{ desk, hub, now, refusals: core.refusals.counts, answers: answers.counts },
      capture: settings.hosts ? capture : undefined,
      metricsUsers: web.metricsUsers,
      node: hostname(),
    }),
    apiRoutes({
      ...{ desk, hub, capture, settings, now },
      history: () => (settings.history ? HistoryReader.open(history) : undefined),
      places: new Places({ settings: settings.geoip }),
    }),
  ];
  const server = parts.use(
    await startWebServer(core, {
      ...{ page, routes, count: answers.middleware },
      attach: (socket, viewer) => hub.attach(socket, viewer),
    }),
  );
  const owned = parts.move();
  return {
    port: server.port,
    address: `${web.tls ? "https" : "http"}://${listenText({ ...web.listen, port: server.port })}`,
    ready: core.admins.list().length > 0,
    letIn: async (name) => {
      const secret = randomBytes(12).toString("base64url");
      const password = await hashPassword(secret);
      if (core.admins.find(name)) core.admins.change(name, { password });
      else core.admins.add({ name, role: "admin", password }, now());
      return secret;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
