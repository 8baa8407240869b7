import { describe, expect, test } from "vitest";
import { periodicJob } from "../../src/scheduler/periodic.ts";
import { milliseconds, monotonicTime } from "../../src/units.ts";

const at = monotonicTime;

describe("periodicJob()", () => {
  test("is due at once, and then a period after the tick it ran for", () => {
    const ran: number[] = [];
    const job = periodicJob("flush", milliseconds(250), (tick) => void ran.push(tick));
    expect([job.name, job.dueAt()]).toEqual(["flush", 0]);
    void job.run(at(1_000), new AbortController().signal);
    expect(job.dueAt()).toBe(1_250);
    void job.run(at(1_270), new AbortController().signal);
    expect([job.dueAt(), ran]).toEqual([1_520, [1_000, 1_270]]);
  });

  test("is due again also when it fails, and hands on the failure and the signal", async () => {
    const { signal } = new AbortController();
    const job = periodicJob("save", milliseconds(10), (_, given) => {
      expect(given).toBe(signal);
      return Promise.reject(new Error("no disk"));
    });
    const run = job.run(at(5), signal);
    expect(job.dueAt()).toBe(15);
    await expect(run).rejects.toThrow("no disk");
  });
});
