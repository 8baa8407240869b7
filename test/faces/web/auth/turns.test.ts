import { expect, test } from "vitest";
import { Turns } from "../../../../src/faces/web/auth/turns.ts";

test("Turns runs two at once, has room for three more, in order, and goes on after a failure", async () => {
  const turns = new Turns(2, 3);
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const runs = [0, 1, 2, 3, 4].map((index) =>
    turns.run(async () => {
      started.push(index);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (index === 0) throw new Error("failed");
      return index;
    }),
  );
  const outcomes = Promise.allSettled(runs);
  expect([turns.isFull, started]).toEqual([true, [0, 1]]);
  await expect(turns.run(async () => 5)).rejects.toThrow(RangeError);
  for (let index = 0; index < 5; index += 1) {
    ends[index]?.();
    await runs[index]?.catch(() => {});
    await Promise.resolve();
    expect(started).toEqual([0, 1, 2, 3, 4].slice(0, Math.min(5, index + 3)));
  }
  expect((await outcomes).map(({ status }) => status)).toEqual([
    "rejected",
    ...Array<string>(4).fill("fulfilled"),
  ]);
  expect(turns.isFull).toBe(false);
  expect(await turns.run(async () => 6)).toBe(6);
});
