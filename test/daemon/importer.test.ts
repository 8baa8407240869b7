import { mkdir, mkdtempDisposable, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ImportRow } from "../../src/control/rows.ts";
import { Importer } from "../../src/daemon/importer.ts";
import { Saver } from "../../src/daemon/saver.ts";
import { userName } from "../../src/names.ts";
import type { CountRule } from "../../src/rules.ts";
import { EventFile } from "../../src/storage/events.ts";
import { StateFolder } from "../../src/storage/state-folder.ts";
import { bytes, milliseconds } from "../../src/units.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openBooks } from "./opened-books.ts";

const JOE = userName("joe");
const row = (parts: Partial<ImportRow>): ImportRow => ({
  ...{ name: "joe", service: "ssh", totalBytes: undefined, enrolSsh: false },
  ...{ disabled: undefined, usageBytes: undefined, ...parts },
});

/** An importer over books of its own, in a state folder. */
async function opened(count: CountRule = "both") {
  await using setup = new AsyncDisposableStack();
  const root = await mkdtempDisposable(join(tmpdir(), "sluice-importer-"));
  setup.defer(() => root.remove());
  const directory = join(root.path, "usage");
  await mkdir(directory);
  const clock = new ManualClock(Date.UTC(2026, 10, 21, 12));
  const folder = setup.use(new StateFolder({ directory, fileMode: 0o640, owner: undefined }));
  const open = openBooks(clock, { count }, await folder.load(clock.unix()));
  const { books } = open;
  const events = new EventFile(join(root.path, "events.jsonl"), { write: () => undefined }, () =>
    clock.unix(),
  );
  setup.defer(() => events.flush());
  const saver = new Saver({
    ...{ folder, books, events, clock },
    flush: milliseconds(2000),
    usageFiles: milliseconds(10_000),
  });
  const told: string[] = [];
  const importer = new Importer({
    ...{ books, saver, events, count },
    decide: (entry) => {
      books.judge(entry);
      told.push(`decide ${entry.standing.name}`);
    },
    onImport: () => told.push("import"),
  });
  const made = setup.move();
  return {
    ...{ ...open, importer, told, directory },
    take: (...rows: readonly ImportRow[]) => importer.take(rows, "somebody"),
    /** What a start would find. */
    found: async () => {
      await using again = new StateFolder({ directory, fileMode: 0o640, owner: undefined });
      return (await again.load(clock.unix())).accounts.get(JOE);
    },
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

describe("Importer", () => {
  test("tells of the import before it decides, and saves what it took", async () => {
    await using at = await opened();
    expect(await at.take(row({ totalBytes: 500, enrolSsh: true, disabled: true }))).toEqual([]);
    expect(at.told).toEqual(["import", "decide joe"]);
    const want = {
      ...{ limits: { total: 500, daily: 0 }, enrolled: ["ssh"], services: ["ssh"], disabled: true },
      imported: { total: 500, usage: undefined, disabled: true },
    };
    expect(at.entry("joe").standing).toMatchObject(want);
    expect(await at.found()).toMatchObject(want);
  });

  test("usage over the limit denies, and was not seen to get there", async () => {
    await using at = await opened();
    at.look("e1", { joe: [0, 0] });
    at.look("e1", { joe: [100, 200] });
    await at.take(row({ totalBytes: 250, enrolSsh: true }));
    expect(at.entry("joe").verdict).toMatchObject({ kind: "deny", reason: "total-exhausted" });
    expect(at.entry("joe").standing.crossing).toBeUndefined();
  });

  test.for([
    { count: "both", direction: [900, 0] },
    { count: "uplink", direction: [900, 0] },
    { count: "downlink", direction: [0, 900] },
  ] as const)(
    "usage becomes what $count counted, and the look after it is added",
    async ({ count, direction }) => {
      await using at = await opened(count);
      at.look("e1", { joe: [10, 10] });
      await at.take(row({ totalBytes: 5000, usageBytes: 900, enrolSsh: true }));
      const { usage, standing } = at.entry("joe");
      expect([usage.totalCounted, usage.total.uplink, usage.total.downlink]).toEqual([900, ...direction]);
      expect(standing.enrolled).toEqual(["xray"]);
      at.look("e1", { joe: [11, 11] });
      expect(at.entry("joe").usage.totalCounted).toBe(count === "both" ? 902 : 901);
    },
  );

  test("usage takes back what an earlier import enrolled, and never lowers", async () => {
    await using at = await opened();
    await at.take(row({ totalBytes: 5000, enrolSsh: true }));
    await at.take(row({ usageBytes: 900 }));
    await at.take(row({ usageBytes: 100 }));
    expect(at.entry("joe")).toMatchObject({
      standing: { enrolled: [], limits: { total: 5000 }, imported: { total: 5000, usage: 100 } },
      usage: { totalCounted: 900 },
    });
  });

  test("a limit lifts a gate that was used up; a row without one does not", async () => {
    await using at = await opened();
    await at.take(row({ totalBytes: 5000 }));
    at.books.change(at.entry("joe"), { depleted: "total" });
    await at.take(row({ disabled: false }));
    expect(at.entry("joe").standing.depleted).toBe("total");
    await at.take(row({ totalBytes: 6000 }));
    expect(at.entry("joe").standing.depleted).toBeUndefined();
  });

  test("a row that cannot be saved changes nothing, and the others are taken", async () => {
    await using at = await opened();
    at.books.know(userName("old"), "ssh");
    const failures = await at.take(
      row({ name: "\u0007", totalBytes: 1 }),
      row({ name: "old", totalBytes: -1 }),
      row({ totalBytes: 500 }),
    );
    expect(failures.map(({ name }) => name)).toEqual(["\u0007", "old"]);
    expect(at.entry("old").standing).toMatchObject({ limits: { total: 0 }, imported: undefined });
    await rm(at.directory, { recursive: true });
    expect(await at.take(row({ totalBytes: 700 }), row({ name: "new", totalBytes: bytes(1) }))).toHaveLength(
      2,
    );
    expect(at.entry("joe").standing.limits.total).toBe(500);
    expect([...at.books.accounts.keys()]).toEqual(["old", "joe"]);
  });
});
