import { expect, test } from "vitest";
import { judgeWithBuffer } from "../../src/daemon/quota-buffer.ts";
import type { Standing } from "../../src/ledger/account.ts";
import { newUsage } from "../../src/ledger/usage.ts";
import { bytes, localDate } from "../../src/units.ts";

const DAY = localDate("2026-11-21");

test.each([
  ["nothing is allowed beyond the limit unless it is set", [0], ["openvpn"], 100, "deny"],
  ["who comes by OpenVPN goes on", [20], ["openvpn"], 119, "allow"],
  ["he is cut behind the buffer", [20], ["openvpn"], 120, "deny"],
  ["of several servers the largest buffer holds", [0, 20, 5], ["ssh", "openvpn"], 119, "allow"],
  ["who comes another way has none", [20], ["xray"], 100, "deny"],
])("judgeWithBuffer(): %s", (_, buffers, services, used, kind) => {
  const judge = judgeWithBuffer(buffers.map((quotaBuffer) => ({ quotaBuffer: bytes(quotaBuffer) })));
  const account = {
    ...{ services, disabled: false, depleted: undefined },
    limits: { daily: bytes(0), total: bytes(100) },
  } as unknown as Standing;
  expect(judge(account, { ...newUsage(DAY, DAY), totalCounted: bytes(used) }).kind).toBe(kind);
});
