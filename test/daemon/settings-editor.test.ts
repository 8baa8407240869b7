import { chmod, mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { settingsIn } from "../../src/config.ts";
import { SettingsEditor } from "../../src/daemon/settings-editor.ts";
import { RefusedRequestError, UnreachableError } from "../../src/errors.ts";
import { until } from "../support/until.ts";

const TEXT = `// mine
{
  "warn_percent": [50, 90], // two
  "history": { /* short */ "minutes_days": 7, "hours_days": 100 },
  "hosts": null,
  "web": {}
}
`;

async function openEditor(text: string, { takesOver = true, answer = true } = {}) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-settings-"));
  onTestFinished(() => folder.remove());
  const path = join(folder.path, "sluice.json");
  await writeFile(path, text, { mode: 0o640 });
  const events: string[] = [];
  let taken = 0;
  const editor = new SettingsEditor({
    settings: settingsIn(path, text, {}),
    environment: {},
    events: { record: (kind, said) => void events.push(`${kind}: ${said}`) },
    takeOver: takesOver
      ? async () => {
          taken += 1;
          return answer;
        }
      : undefined,
  });
  return {
    editor,
    path,
    folder: folder.path,
    events,
    taken: () => taken,
    read: () => readFile(path, "utf8"),
  };
}

test("SettingsEditor lists what may be changed, of the parts that are switched on", async () => {
  const { editor } = await openEditor(TEXT);
  const rows = new Map(editor.rows().map(({ key, value, fallback }) => [key, [value, fallback]]));
  expect(rows.get("warn_percent")).toEqual(["[50,90]", "[80,95]"]);
  expect(rows.get("history.minutes_days")).toEqual(["7", "30"]);
  expect(rows.get("web.idle_minutes")).toEqual(["60", "60"]);
  expect([...rows.keys()].filter((key) => key.startsWith("hosts."))).toEqual([]);
  const all = (await openEditor("{}")).editor.rows();
  expect(all.map(({ key }) => key)).toEqual([
    ...["warn_percent", "pace", "max_period_ms", "history.minutes_days", "history.hours_days"],
    ...["history.sessions_days", "history.connections_days", "history.events_days", "connections.period_s"],
    ...["hosts.per_account", "hosts.retention_days"],
    ...["web.metrics_users", "web.idle_minutes", "web.longest_hours"],
  ]);
  for (const { value, fallback } of all) expect(value).toBe(fallback);
});

test("change() keeps comments, mode and all other settings, and has it taken over", async () => {
  const { editor, path, events, taken, read } = await openEditor(TEXT);
  await chmod(path, 0o604);
  const rows = await editor.change(
    [
      { key: "history.minutes_days", value: "14" },
      { key: "history.hours_days", value: "" },
      { key: "warn_percent", value: "[ 60 ]" },
      { key: "web.metrics_users", value: "true" },
    ],
    "ann (web)",
  );
  expect(await read()).toBe(`// mine
{
  "warn_percent": [60], // two
  "history": { /* short */ "minutes_days": 14,  },
  "hosts": null,
  "web": { "metrics_users": true }
}
`);
  expect((await stat(path)).mode & 0o777).toBe(0o604);
  expect(rows).toContainEqual(expect.objectContaining({ key: "history.hours_days", value: "730" }));
  expect(events).toEqual([
    "settings-changed: Settings changed by ann (web): history.minutes_days 14, history.hours_days left out, warn_percent [ 60 ], web.metrics_users true",
  ]);
  await until("it is taken over", () => taken() === 1);
});

test.for([
  {
    name: "a value out of range",
    key: "history.minutes_days",
    value: "0",
    says: "expected a whole number from 1 to 36500, got 0",
  },
  {
    name: "a value of another type",
    key: "web.metrics_users",
    value: '"yes"',
    says: 'expected true or false, got "yes"',
  },
  {
    name: "an unknown word",
    key: "pace",
    value: '"fast"',
    says: 'expected "adaptive" or "every-tick", got "fast"',
  },
  { name: "what is no JSON", key: "pace", value: "adaptive", says: 'pace: expected JSON, got "adaptive"' },
  { name: "two values", key: "pace", value: '"every-tick", "mode": "observe"', says: "expected JSON" },
  {
    name: "a value that is too long",
    key: "pace",
    value: `${" ".repeat(1_000)}"adaptive"`,
    says: "at most 1000 characters",
  },
  {
    name: "a setting of a part that is off",
    key: "hosts.per_account",
    value: "true",
    says: "expected one of warn_percent",
  },
  { name: "a setting that is not safe", key: "mode", value: '"observe"', says: 'got "mode"' },
  { name: "the right to delete", key: "web.may_delete", value: "true", says: 'got "web.may_delete"' },
  { name: "a path of the prototype's", key: "__proto__.minutes_days", value: "1", says: "expected one of" },
])("change() refuses $name, and writes nothing", async ({ key, value, says }) => {
  const { editor, folder, events, taken, read } = await openEditor(TEXT);
  const refused = editor.change(
    [
      { key: "warn_percent", value: "[1]" },
      { key, value },
    ],
    "ann (web)",
  );
  await expect(refused).rejects.toThrow(RefusedRequestError);
  await expect(refused).rejects.toThrow(says);
  expect(await read()).toBe(TEXT);
  expect(await readdir(folder)).toEqual(["sluice.json"]);
  expect([events, taken()]).toEqual([[], 0]);
  expect(editor.rows()).toContainEqual(expect.objectContaining({ key: "warn_percent", value: "[50,90]" }));
});

test("change() refuses a file that somebody broke meanwhile", async () => {
  const { editor, path, read } = await openEditor(TEXT);
  await writeFile(path, '{ "mode": "obs');
  await expect(editor.change([{ key: "pace", value: '"every-tick"' }], "ann")).rejects.toThrow(
    RefusedRequestError,
  );
  expect(await read()).toBe('{ "mode": "obs');
});

test("change() lets changes wait for each other: each is in the file", async () => {
  const { editor, read } = await openEditor(TEXT);
  await Promise.all([
    editor.change([{ key: "pace", value: '"every-tick"' }], "ann"),
    editor.change([{ key: "history.minutes_days", value: "9" }], "bob"),
    editor.change([{ key: "history.minutes_days", value: "-9" }], "eve").catch(() => undefined),
    editor.change([{ key: "web.idle_minutes", value: "5" }], "cyd"),
  ]);
  const { pace, history, web } = settingsIn("", await read(), {});
  expect([pace, history?.minutesDays, web?.idle]).toEqual(["every-tick", 9, 300_000]);
});

test("change() writes nothing that would not be taken over any more", async () => {
  const { editor, taken, read } = await openEditor(TEXT);
  await editor.change([{ key: "pace", value: '"every-tick"' }], "ann");
  const before = await read();
  await until("it is taken over", () => taken() === 1);
  await expect(editor.change([{ key: "pace", value: "" }], "ann")).rejects.toThrow(UnreachableError);
  expect(await read()).toBe(before);
});

test("change() refuses where nobody takes settings over", async () => {
  const { editor, read } = await openEditor(TEXT, { takesOver: false });
  await expect(editor.change([{ key: "pace", value: "" }], "ann")).rejects.toThrow(RefusedRequestError);
  expect(await read()).toBe(TEXT);
});
