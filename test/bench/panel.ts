/**
 * The way of common panels, replayed: one job reads the counters every so often,
 * the same or another looks at the sums, and whoever is over his limit is
 * removed from the inbound (facts: peers 1 and 2). The connections he has go on.
 */
import { setTimeout as delay } from "node:timers/promises";
import { encodeMessage } from "../../src/sources/xray/session.ts";
import { engineApi } from "../support/engine-api.ts";

export interface Panel {
  readonly name: string;
  /** From one reading of the counters to the next, ms. */
  readonly collectMs: number;
  /** From one look at the sums to the next, ms; 0 where each reading is looked at. */
  readonly checkMs: number;
}

export const PANELS: readonly Panel[] = [
  { name: "a panel's 5 s", collectMs: 5_000, checkMs: 0 },
  { name: "a panel's 10 + 10 s", collectMs: 10_000, checkMs: 10_000 },
  { name: "a panel's 60 s", collectMs: 60_000, checkMs: 0 },
];

export interface PanelUser {
  readonly name: string;
  /** The tag of the inbound that has him. */
  readonly inbound: string;
  /** Bytes of download. */
  readonly limit: number;
}

/**
 * Goes on from the moment at which the user crossed his limit, and takes it for
 * the middle of each interval: that is neither luck nor bad luck.
 *
 * @param target the engine's API.
 * @throws {Error} when the counters do not show that he crossed it.
 */
export async function untilPanelRemoves(panel: Panel, target: string, user: PanelUser): Promise<void> {
  using api = engineApi(target);
  await delay(panel.collectMs / 2);
  const { stat } = await api.call<{ stat: readonly { name: string; value: string }[] }>(
    "Stats",
    "QueryStats",
    { pattern: "user>>>" },
  );
  const counter = stat.find(({ name }) => name === `user>>>${user.name}>>>traffic>>>downlink`);
  if (!(Number(counter?.value) >= user.limit)) {
    throw new Error(
      `Cannot replay a panel: expected ${user.limit} bytes of ${user.name}, got ${counter?.value}`,
    );
  }
  await delay(panel.checkMs / 2);
  const value = encodeMessage("RemoveUserOperation", { email: user.name });
  const operation = { type: "xray.app.proxyman.command.RemoveUserOperation", value };
  await api.call("Handler", "AlterInbound", { tag: user.inbound, operation });
}
