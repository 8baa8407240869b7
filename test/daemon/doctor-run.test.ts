import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { DoctorRun } from "../../src/daemon/doctor-run.ts";
import { ManualClock } from "../support/manual-clock.ts";

/** A doctor that says how often he was asked, and ends as told. */
async function openRun(program: string) {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-doctor-"));
  onTestFinished(() => folder.remove());
  const path = join(folder.path, "looks");
  const script = `echo >> "$1"; looks=$(wc -l < "$1"); ${program}`;
  const clock = new ManualClock();
  const run = new DoctorRun({ command: ["/bin/sh", "-c", script, "sh", path], clock });
  onTestFinished(() => run[Symbol.dispose]());
  return { run, clock, looks: async () => (await readFile(path, "utf8")).length };
}

test("findings() answers with the last look, and looks anew at most once a minute", async () => {
  const { run, clock, looks } = await openRun('echo "{ \\"looks\\": $looks }"; exit 1');
  const first = await run.findings(false);
  expect(first).toEqual({ json: '{"looks":1}', atMs: clock.unix(), trouble: "" });
  await clock.advance(30_000);
  expect(await run.findings(false)).toEqual(first);
  expect(await run.findings(true)).toEqual({
    ...first,
    trouble: "the doctor looks once a minute, again in 30 s",
  });
  await clock.advance(30_000);
  expect(await run.findings(false)).toEqual(first);
  const [one, other] = await Promise.all([run.findings(true), run.findings(true)]);
  expect(one).toEqual({ json: '{"looks":2}', atMs: clock.unix(), trouble: "" });
  expect(other).toEqual(one);
  expect(await looks()).toBe(2);
});

test.for([
  { name: "it fails", program: "echo first >&2; echo no settings >&2; exit 2", says: "no settings" },
  { name: "it answers no JSON", program: "echo hello; exit 1", says: "it answered no JSON" },
  {
    name: "it answers too much",
    program: "head -c 3000000 /dev/zero",
    says: "it said more than 1048576 bytes",
  },
])("findings() says why there is no answer when $name", async ({ program, says }) => {
  const { run, clock } = await openRun(`[ $looks = 2 ] && echo "[]" && exit; ${program}`);
  const { json, atMs, trouble } = await run.findings(false);
  expect([json, atMs]).toEqual(["", 0]);
  expect(trouble).toContain(says);
  expect((await run.findings(true)).trouble).toBe(trouble);
  await clock.advance(60_000);
  expect(await run.findings(false)).toEqual({ json: "[]", atMs: clock.unix(), trouble: "" });
});
