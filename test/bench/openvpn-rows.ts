/** The rows on OpenVPN: what a look and the hooks cost, and how cuts and gates hold. */
import { openvpnCutRows } from "./openvpn-cut-rows.ts";
import { openvpnHookRows } from "./openvpn-hook-rows.ts";
import { openvpnPollRows } from "./openvpn-poll-rows.ts";
import type { Row } from "./table.ts";

export async function* openvpnRows(quick: boolean): AsyncGenerator<Row> {
  yield* openvpnPollRows(quick ? 150 : 1_000);
  yield* openvpnHookRows(quick ? 500 : 2_000, quick ? 3 : 9);
  yield* openvpnCutRows(quick ? 1 : 5);
}
