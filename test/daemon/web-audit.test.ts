import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AuditRow } from "../../src/control/rows.ts";
import { WebAudit } from "../../src/daemon/web-audit.ts";
import { RefusedRequestError } from "../../src/errors.ts";
import type { EventFile } from "../../src/storage/events.ts";

const row: AuditRow = {
  kind: "web-sign-in-failed",
  actor: "ann",
  address: "192.0.2.7",
  text: "No",
  count: 1,
};

function openAudit() {
  const recorded: Parameters<EventFile["record"]>[] = [];
  const audit = new WebAudit({
    record: (...event) => void recorded.push(event),
  });
  return { audit, recorded };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("WebAudit makes an event of each row", () => {
  const { audit, recorded } = openAudit();
  audit.take([row, { kind: "web-changed", actor: "", address: "", text: "A token was made", count: 3 }]);
  expect(recorded).toEqual([
    ["web-sign-in-failed", "No: ann from 192.0.2.7", { actor: "ann", address: "192.0.2.7" }, "warning"],
    ["web-changed", "A token was made", { count: 3 }, "info"],
  ]);
});

test("WebAudit writes 200 lines a minute, and joins the others to one of each kind", () => {
  const { audit, recorded } = openAudit();
  audit.take(Array.from({ length: 5_000 }, () => row));
  audit.take([{ ...row, kind: "web-refused", count: 7 }]);
  expect(recorded).toHaveLength(200);
  vi.advanceTimersByTime(60_000);
  expect(recorded.slice(200)).toEqual([
    ["web-sign-in-failed", expect.stringMatching(/^4800 more /), { count: 4_800 }, "warning"],
    ["web-refused", expect.stringMatching(/^7 more /), { count: 7 }, "warning"],
  ]);
  audit.take([row]);
  expect(recorded).toHaveLength(203);
});

test("WebAudit tells what it joined when the daemon stops", () => {
  const { audit, recorded } = openAudit();
  audit.take(Array.from({ length: 201 }, () => row));
  audit[Symbol.dispose]();
  expect(recorded.at(-1)?.[2]).toEqual({ count: 1 });
  vi.advanceTimersByTime(60_000);
  expect(recorded).toHaveLength(201);
});

test.for([
  [0, {}],
  [2 ** 32 - 5, { count: 1_000_000 }],
])("WebAudit takes a count of %d for one that can be", ([count, want]) => {
  const { audit, recorded } = openAudit();
  audit.take([{ ...row, actor: "", address: "", count: count as number }]);
  expect(recorded[0]?.[2]).toEqual(want);
});

test.for([
  { name: "control characters", text: "a\u001b[31m\nb", want: "a\ufffd[31m\ufffdb" },
  { name: "a text that is too long", text: "x".repeat(5_000), want: "x".repeat(300) },
  {
    name: "a character of two units at the cut",
    text: `${"x".repeat(299)}😀😀`,
    want: `${"x".repeat(299)}😀`,
  },
])("WebAudit takes $name away", ({ text, want }) => {
  const { audit, recorded } = openAudit();
  audit.take([
    { ...row, text, actor: "", address: "" },
    { ...row, text, actor: text, address: text },
  ]);
  expect(recorded[0]?.[1]).toBe(want);
  const { actor, address } = recorded[1]?.[2] ?? {};
  expect(recorded[1]?.[1]).toBe(`${want}: ${String(actor)} from ${String(address)}`);
  expect(Math.max(String(actor).length, String(address).length)).toBeLessThanOrEqual(64);
});

test.for(["cut", "", "toString", "__proto__"])("WebAudit refuses an event of the kind %j", (kind) => {
  const { audit, recorded } = openAudit();
  expect(() => audit.take([{ ...row, kind: kind as AuditRow["kind"] }])).toThrow(RefusedRequestError);
  expect(recorded).toEqual([]);
});
