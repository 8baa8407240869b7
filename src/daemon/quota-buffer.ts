/**
 * Bytes that may be used beyond a limit before the cut, as older OpenVPN
 * monitors allowed them: for whoever comes by OpenVPN, and none unless it is set.
 */
import type { OpenvpnSettings } from "../config.ts";
import type { Standing } from "../ledger/account.ts";
import type { Usage } from "../ledger/usage.ts";
import { judge, type Verdict, withBuffer } from "../policy/verdict.ts";
import { bytes } from "../units.ts";
import { OPENVPN } from "./openvpn-view.ts";

/** An account has one quota over all servers, so the largest buffer of any of them holds. */
export function judgeWithBuffer(
  servers: readonly Pick<OpenvpnSettings, "quotaBuffer">[],
): (account: Standing, usage: Usage) => Verdict {
  const buffer = bytes(Math.max(0, ...servers.map(({ quotaBuffer }) => quotaBuffer)));
  if (buffer === 0) return judge;
  return (account, usage) =>
    account.services.includes(OPENVPN)
      ? judge({ ...account, limits: withBuffer(account.limits, buffer) }, usage)
      : judge(account, usage);
}
