/** A user's row as faces get it: what a test does not speak of is nothing. */
import type { UserRow } from "../../src/control/rows.ts";

export function userRow(of: Partial<UserRow> & { readonly name: string }): UserRow {
  return {
    state: "ok",
    gate: "",
    ...{ dailyBytes: 0, totalBytes: 0, dailyLimitBytes: 0, totalLimitBytes: 0, remainingBytes: -1 },
    ...{ dailyUplinkBytes: 0, dailyDownlinkBytes: 0, totalUplinkBytes: 0, totalDownlinkBytes: 0 },
    ...{ lifetimeUplinkBytes: 0, lifetimeDownlinkBytes: 0, uplinkRate: 0, downlinkRate: 0 },
    ...{ period: "never", day: "2026-11-21", periodStart: "2026-11-01", updatedMs: 1_795_000_000_999 },
    ...{ services: ["xray"], protocols: [], enrolled: [], unreportedBytes: 0, stops: [] },
    ...of,
  };
}
