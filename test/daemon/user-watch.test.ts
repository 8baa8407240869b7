import { describe, expect, onTestFinished, test } from "vitest";
import type { Settings } from "../../src/config.ts";
import type { UserList } from "../../src/control/rows.ts";
import { UserRows } from "../../src/daemon/user-rows.ts";
import { UserWatch } from "../../src/daemon/user-watch.ts";
import { Views } from "../../src/daemon/views.ts";
import { RefusedRequestError } from "../../src/errors.ts";
import { userName } from "../../src/names.ts";
import { bytes, NO_BYTES } from "../../src/units.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { openBooks } from "./opened-books.ts";

const REQUEST = { periodMs: 100, inView: [] };

/** Books with two accounts, watched every tenth of a second on a clock of the test's own. */
function watched() {
  const clock = new ManualClock();
  const { books, entry, look } = openBooks(clock);
  look("e", { joe: [0, 0], amy: [0, 0] });
  const views = new Views(() => undefined);
  const rows = new UserRows({
    ...{ settings: { warnPercent: [80] } as unknown as Settings, clock },
    engines: [],
    ...{ mode: "observe", gatekeeper: undefined as never }, // which asks nobody
  });
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const watch = new UserWatch({ books, clock, rows, views, readMs: () => 10 }, REQUEST, stop.signal);
  const lists: UserList[] = [];
  const ended = (async () => {
    for await (const list of watch) lists.push(list);
  })();
  /** The lists of so many periods, as names of rows. */
  const after = async (periods: number) => {
    lists.length = 0;
    await clock.advance(periods * 100);
    return lists.map(({ users }) => users.map(({ name }) => name).join(" "));
  };
  return { clock, books, entry, look, views, watch, lists, after, stop, ended };
}

describe("UserWatch", () => {
  test("tells all first, then who was touched", async () => {
    const { after, look, lists } = watched();
    expect(await after(2)).toEqual(["amy joe", "", ""]);
    look("e", { joe: [5, 6] });
    expect(await after(1)).toEqual(["joe"]);
    expect(lists[0]?.users[0]).toMatchObject({ totalBytes: 11, lifetimeUplinkBytes: 5 });
  });

  test("tells a long list in parts, and lets other work be done between them", async () => {
    const { clock, after, look, lists } = watched();
    const many = Object.fromEntries(
      Array.from({ length: 250 }, (_, index) => [`u${index}`, [0, 0] as const]),
    );
    await after(1);
    look("e", many);
    await after(0);
    await clock.advance(100);
    expect(lists.map(({ users, more }) => [users.length, more])).toEqual([[100, true]]);
    await clock.advance(2);
    expect(lists.map(({ users, more }) => [users.length, more])).toEqual([
      [100, true],
      [100, true],
      [50, false],
    ]);
    expect(new Set(lists.flatMap(({ users }) => users.map(({ name }) => name))).size).toBe(250);
    expect(await after(1)).toEqual([""]);
  });

  test("goes on telling of a rate until it has died down, and no longer", async () => {
    const { after, look, lists } = watched();
    await after(30);
    look("e", { joe: [500, 1_000] });
    const told = (await after(30)).map((names, index) =>
      names ? [index, lists[index]?.users[0]?.uplinkRate] : [],
    );
    // The bytes at once, their rate when a second is over, its end a second later.
    expect(told.filter((each) => each.length > 0)).toEqual([
      [0, 0],
      [9, 500],
      [19, 0],
    ]);
  });

  test("tells of limits and verdicts, and of what a turned day leaves", async () => {
    const { after, books, entry, look, lists } = watched();
    look("e", { joe: [5, 6] });
    await after(30);
    books.setLimits(entry("joe"), { total: bytes(10), daily: NO_BYTES }, undefined, []);
    books.judge(entry("joe"));
    expect(await after(1)).toEqual(["joe"]);
    expect(lists[0]?.users[0]).toMatchObject({ state: "limited", gate: "would be cut", remainingBytes: 0 });
    expect(await after(20)).toEqual(Array.from({ length: 20 }, () => ""));
  });

  test("tells who is gone, but not of one who came back", async () => {
    const { after, books, entry, lists } = watched();
    await after(1);
    books.remove(entry("joe"));
    expect(await after(1)).toEqual([""]);
    expect(lists[0]?.gone).toEqual(["joe"]);
    books.remove(entry("amy"));
    books.know(userName("amy"), "xray");
    expect(await after(1)).toEqual(["amy"]);
    expect(lists[0]?.gone).toEqual([]);
  });

  test("tells of those out of view once a second", async () => {
    const { after, look, watch } = watched();
    await after(1);
    watch.change({ periodMs: 100, inView: ["joe"] });
    await after(9);
    const told: string[] = [];
    for (let count = 1; count <= 20; count++) {
      look("e", { joe: [count, 0], amy: [count, 0] });
      told.push(...(await after(1)));
    }
    expect(told.map((names) => names === "amy joe")).toEqual(
      Array.from({ length: 20 }, (_, n) => n % 10 === 0),
    );
    expect(told.every((names) => names.includes("joe"))).toBe(true);
  });

  test("has those in view read for as long as it lasts, together with other watchers'", async () => {
    const { after, views, watch, stop, ended, lists } = watched();
    await after(1);
    expect([views.watched, lists[0]?.readMs]).toEqual([true, 0]);
    watch.change({ periodMs: 100, inView: ["joe", "nobody"] });
    await after(1);
    expect(lists[0]?.readMs).toBe(10);
    const other = views.open();
    other.show(["amy", "joe"]);
    expect([...views.names].sort()).toEqual(["amy", "joe", "nobody"]);
    stop.abort();
    await ended;
    expect([...views.names].sort()).toEqual(["amy", "joe"]);
    other[Symbol.dispose]();
    expect(views).toMatchObject({ watched: false, names: new Set() });
  });

  test.each([
    { periodMs: 99, inView: [] },
    { periodMs: 60_001, inView: [] },
    { periodMs: Number.NaN, inView: [] },
    { periodMs: 100, inView: Array.from({ length: 501 }, String) },
  ])("refuses to be asked for what is out of range", async (request) => {
    const { watch } = watched();
    expect(() => watch.change(request)).toThrow(RefusedRequestError);
  });
});
