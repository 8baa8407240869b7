import { expect, test } from "vitest";
import type { AuditRow } from "../../../src/control/rows.ts";
import { AuditTrail } from "../../../src/faces/web/audit-trail.ts";

const ROW = {
  kind: "web-refused",
  actor: "",
  address: "192.0.2.1",
  text: "Refused: too many requests",
} as const;

test("AuditTrail joins like ones, and sends nothing twice", async () => {
  const sent: (readonly AuditRow[])[] = [];
  await using trail = new AuditTrail(async (rows) => void sent.push(rows));
  for (let count = 0; count < 3; count += 1) trail.note(ROW);
  trail.note({ ...ROW, actor: "joe\u001b[2J" });
  await trail.flush();
  await trail.flush();
  expect(sent).toEqual([
    [
      { ...ROW, count: 3 },
      { ...ROW, actor: "joe\ufffd[2J", count: 1 },
    ],
  ]);
});

test("AuditTrail keeps what was not taken, joined with what comes", async () => {
  const sent: (readonly AuditRow[])[] = [];
  const down = { is: true };
  const trail = new AuditTrail(async (rows) => {
    if (down.is) throw new Error("away");
    sent.push(rows);
  });
  trail.note(ROW);
  await trail.flush();
  trail.note(ROW);
  down.is = false;
  await trail[Symbol.asyncDispose]();
  expect(sent).toEqual([[{ ...ROW, count: 2 }]]);
});

test("AuditTrail is bounded: past 200 rows it counts without who and from where", async () => {
  const sent: (readonly AuditRow[])[] = [];
  await using trail = new AuditTrail(async (rows) => void sent.push(rows));
  for (let index = 0; index < 1_000; index += 1) trail.note({ ...ROW, actor: `name${index}` });
  await trail.flush();
  expect(sent[0]).toHaveLength(201);
  expect(sent[0]?.at(-1)).toEqual({ ...ROW, actor: "", address: "", count: 800 });
});
