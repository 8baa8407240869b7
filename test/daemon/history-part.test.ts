/** What the daemon's part tells the history, and how often, on a real file. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { HistoryPart } from "../../src/daemon/history-part.ts";
import { Views } from "../../src/daemon/views.ts";
import { HistoryReader } from "../../src/history/queries.ts";
import { EventFile } from "../../src/storage/events.ts";
import { milliseconds } from "../../src/units.ts";
import { retention } from "../support/history.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openBooks } from "./opened-books.ts";

const AT = Date.UTC(2026, 10, 21, 14);

test("looks in the middle of each second while somebody watches and every five otherwise; seconds and events are in the file", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-history-part-"));
  const clock = new ManualClock(AT);
  const { books, look } = openBooks(clock);
  const views = new Views(() => undefined);
  const events = new EventFile(join(folder.path, "events.jsonl"), { write: () => undefined }, () =>
    clock.unix(),
  );
  const path = join(folder.path, "history.db");
  look("e", { alice: [0, 0] });
  let moved = 0;
  {
    const settings = { ...retention(), flush: milliseconds(30_000) };
    await using part = new HistoryPart({ path, settings, connections: null, books, events, views, clock });
    part.start();
    /** Until the next look, which finds a byte more. @returns how long that was. */
    const next = async () => {
      const span = part.job.dueAt() - clock.monotonic();
      await clock.advance(Math.max(0, span));
      look("e", { alice: [(moved += 1), 0] });
      await part.job.run(clock.monotonic(), new AbortController().signal);
      return span;
    };
    await next();
    expect([await next(), await next()]).toEqual([5_000, 5_000]);
    {
      using view = views.open();
      view.show([]);
      expect([await next(), await next(), await next()]).toEqual([1_500, 1_000, 1_000]);
      events.record("cut", "alice is cut", { user: "alice" });
      events.record("started", "It began");
      expect(await next()).toBe(1_000);
    }
    expect(await next()).toBe(5_000);
  }
  using reader = HistoryReader.open(path) as HistoryReader;
  const all = { since: 0, until: AT + 3_600_000 };
  expect(reader.series({ per: "second", ...all })).toEqual(
    [11, 12, 13, 14].map((second) => ({ at: AT + second * 1_000, up: 1, down: 0 })),
  );
  expect(reader.series({ per: "minute", ...all })).toMatchObject([{ up: moved }]);
  expect(reader.events({})).toEqual([
    { at: AT + 13_500, kind: "started", user: "", text: "It began" },
    { at: AT + 13_500, kind: "cut", user: "alice", text: "alice is cut" },
  ]);
  await events.flush();
});
