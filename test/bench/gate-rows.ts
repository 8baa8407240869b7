/** The rows on the gates of Xray users, and the targets they are held to. In network namespaces of their own: gates are the host's. */
import { findEngine } from "../support/engines.ts";
import { enterOwnNetwork } from "../support/own-network.ts";
import { needs } from "../support/requirements.ts";
import { CARRIERS } from "./carriers.ts";
import { MOST_BEYOND, type OvershootPlan, overshootRows } from "./gate-overshoot-rows.ts";
import type { MarkedPlan } from "./marked-cost.ts";
import { markedRows } from "./marked-rows.ts";
import { type PanelPlan, panelRows } from "./panel-rows.ts";
import type { Row } from "./table.ts";

export interface GatePlan {
  readonly overshoot: OvershootPlan;
  readonly panels: PanelPlan;
  readonly marked: MarkedPlan;
}

/** The process stays in one of those namespaces: these come last. */
export async function* gateRows(plan: GatePlan): AsyncGenerator<Row> {
  const missing = needs("root", "nft", "ip");
  const program = findEngine("xray");
  if (missing !== "" || !program) {
    yield { what: "Gates of Xray users", ratio: "", figures: `skipped${missing || " (needs: xray)"}` };
    return;
  }
  enterOwnNetwork();
  yield* overshootRows(program, CARRIERS, plan.overshoot);
  yield* panelRows(program, plan.panels, MOST_BEYOND);
  yield* markedRows(program, plan.marked);
}
