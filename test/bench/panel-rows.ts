/** The rows on what a user receives beyond his limit while panels keep it. Told beside the gates' rows; held to nothing. */
import { setTimeout as delay } from "node:timers/promises";
import { type TestUser, testUser } from "../support/engine-config.ts";
import type { EngineProgram } from "../support/engines.ts";
import { until } from "../support/until.ts";
import type { Carrier } from "./carriers.ts";
import { type GateStage, INBOUND, openGateStage } from "./gate-stage.ts";
import { PANELS, type Panel, untilPanelRemoves } from "./panel.ts";
import { number, type Row } from "./table.ts";

export interface PanelPlan {
  /** Bytes per second; a row per panel for each. */
  readonly rates: readonly number[];
}

const VLESS: Carrier = { name: "VLESS", protocol: "vless" };
/** Small, since every panel is as late with a larger one. */
const LIMIT = 16_000_000;
/** How long he is watched after the panel removed him, ms. */
const AFTER_MS = 3_000;

/** @param most bytes that a gate may let through, for the ratio. */
export async function* panelRows(
  program: EngineProgram,
  { rates }: PanelPlan,
  most: number,
): AsyncGenerator<Row> {
  const runs = rates.flatMap((rate) => PANELS.map((panel) => ({ rate, panel, user: userAt(panel, rate) })));
  if (runs.length === 0) return;
  await using stage = await openGateStage(
    program,
    VLESS,
    runs.map(({ user }) => user),
    "none",
  );
  for (const { rate, panel, user } of runs) {
    const { beyond, pace } = await replay(stage, panel, user, rate);
    yield {
      what: `${VLESS.name}, ${number(rate / 1e6)} MB/s, ${panel.name}`,
      ratio: `${number(beyond / most)} x ${most / 1024} KiB`,
      figures: [
        `beyond the limit ${number(beyond / 1e6)} MB, ${AFTER_MS / 1_000} s after RemoveUser`,
        pace > 0 ? `and still running at ${number(pace / 1e6)} MB/s` : "and at its end",
      ].join(", "),
    };
  }
}

async function replay(
  stage: GateStage,
  panel: Panel,
  user: TestUser,
  rate: number,
): Promise<{ readonly beyond: number; readonly pace: number }> {
  await using client = await stage.client(user);
  await using flow = await client.download({ bytes: 2 ** 40, rate });
  await until("he crosses his limit", () => flow.received >= LIMIT);
  await untilPanelRemoves(panel, stage.api, { name: user.email, inbound: INBOUND, limit: LIMIT });
  const [removedAt, before] = [performance.now(), flow.received];
  await delay(AFTER_MS);
  const pace = ((flow.received - before) / (performance.now() - removedAt)) * 1_000;
  return { beyond: flow.received - LIMIT, pace };
}

function userAt({ collectMs, checkMs }: Panel, rate: number): TestUser {
  return testUser(`panel-${collectMs}-${checkMs}-${rate}`);
}
