import { mkdir, mkdtempDisposable, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Log } from "../../src/log.ts";
import { EventFile, type EventRecord, eventFiles } from "../../src/storage/events.ts";
import { type Bytes, bytes, unixTime } from "../../src/units.ts";
import { noSmallDisk, smallDisk } from "./small-disk.ts";

const NOON = unixTime(Date.UTC(2026, 10, 21, 12));

/** An event file below `directory` and what it logged. */
function eventsIn(directory: string, largest?: Bytes) {
  const logged: string[] = [];
  const log: Log = { write: (level, message) => logged.push(`${level}: ${message}`) };
  const path = join(directory, "events.jsonl");
  return {
    path,
    logged,
    events: new EventFile(path, log, () => NOON, largest),
    texts: async (file = path) =>
      (await readFile(file, "utf8"))
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as EventRecord).text),
  };
}
const folder = () => mkdtempDisposable(join(tmpdir(), "sluice-events-"));
const numbered = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `event ${from + index}`);

describe("EventFile", () => {
  test("writes one line per event, in order, and each to the log too", async () => {
    await using directory = await folder();
    const { events, path, logged } = eventsIn(directory.path);
    events.record("warned", "joe has used 80 %", { user: "joe", percent: 80 }, "warning");
    events.record("cut", "joe is cut", { user: "joe" });
    await events.flush();
    expect(await readFile(path, "utf8")).toBe(
      '{"time":"2026-11-21T12:00:00.000Z","kind":"warned","user":"joe","percent":80,"text":"joe has used 80 %"}\n' +
        '{"time":"2026-11-21T12:00:00.000Z","kind":"cut","user":"joe","text":"joe is cut"}\n',
    );
    expect(logged).toEqual(["warning: joe has used 80 %", "info: joe is cut"]);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  test("keeps a name with a line end on its line", async () => {
    await using directory = await folder();
    const { events, texts } = eventsIn(directory.path);
    events.record("cut", 'a\nb "c"');
    await events.flush();
    expect(await texts()).toEqual(['a\nb "c"']);
  });

  test("tells listeners until they leave", async () => {
    await using directory = await folder();
    const { events } = eventsIn(directory.path);
    const heard: string[] = [];
    const leave = events.listen(({ text }) => heard.push(text));
    events.record("cut", "first");
    leave();
    events.record("cut", "second");
    await events.flush();
    expect(heard).toEqual(["first"]);
  });

  test("goes on in a new file when logrotate took the old one", async () => {
    await using directory = await folder();
    const { events, path, texts } = eventsIn(directory.path);
    events.record("cut", "before");
    await events.flush();
    await rename(path, `${path}.1`);
    events.record("cut", "after");
    await events.flush();
    expect(await texts(`${path}.1`)).toEqual(["before"]);
    expect(await texts()).toEqual(["after"]);
  });

  test("begins a new file before the size is passed, and keeps five older ones", async () => {
    await using directory = await folder();
    const { events, path, texts } = eventsIn(directory.path, bytes(200)); // two of 75 bytes
    for (const text of numbered(14, 10)) {
      events.record("cut", text);
      await events.flush();
    }
    const kept = eventFiles(path);
    expect(kept).toHaveLength(6);
    expect(await Promise.all(kept.map((file) => texts(file)))).toEqual(
      [12, 14, 16, 18, 20, 22].map((from) => numbered(2, from)),
    );
    expect((await readdir(directory.path)).length).toBe(6);
  });

  test("goes on in the same file where it may not be renamed", async () => {
    await using directory = await folder();
    const { events, path, texts } = eventsIn(directory.path, bytes(100));
    for (const older of eventFiles(path).slice(0, -1)) {
      await mkdir(join(older, "in the way"), { recursive: true });
    }
    for (const text of numbered(3)) {
      events.record("cut", text);
      await events.flush();
    }
    expect(await texts()).toEqual(numbered(3));
  });

  test("keeps lines the disk refuses, and writes them later, in order and once", async () => {
    await using directory = await folder();
    const { events, path, texts } = eventsIn(directory.path);
    await mkdir(path);
    for (const text of numbered(50)) {
      events.record("cut", text);
      await turn(); // so that some come while others are being refused
    }
    await events.flush();
    await rm(path, { recursive: true });
    events.record("cut", "event 50");
    await events.flush();
    expect(await texts()).toEqual(numbered(51));
  });

  test("drops the oldest of more than ten thousand waiting lines, and says how many", async () => {
    await using directory = await folder();
    const { events, path, texts, logged } = eventsIn(directory.path);
    await mkdir(path);
    for (const text of numbered(10_005)) events.record("cut", text);
    await events.flush();
    await rm(path, { recursive: true });
    await events.flush();
    expect(await texts()).toEqual(numbered(10_000, 5));
    expect(logged.at(-1)).toBe("warning: Events were dropped");
  });
});

describe.skipIf(noSmallDisk)(`on a full disk${noSmallDisk ? ` (${noSmallDisk})` : ""}`, () => {
  test("no line is lost, torn or written twice", async () => {
    await using disk = await smallDisk();
    const { events, texts } = eventsIn(disk.path);
    for (const text of numbered(10)) events.record("cut", text);
    await events.flush();
    disk.fill();
    // More than is left of the file's page: some of it goes in before the disk refuses.
    for (const text of numbered(200, 10)) events.record("cut", text);
    await events.flush();
    await events.flush();
    disk.makeRoom();
    events.record("cut", "event 210");
    await events.flush();
    expect(await texts()).toEqual(numbered(211));
  });
});
