import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NameTable } from "../../src/hosts/name-table.ts";

describe("NameTable", () => {
  test("gives each name a place of its own, the same one each time", () => {
    const table = new NameTable();
    expect(["a.test", "b.test", "a.test"].map((name) => table.add(name))).toEqual([0, 1, 0]);
    expect(table.placeOf("b.test")).toBe(1);
    expect(table.placeOf("c.test")).toBeUndefined();
    expect(table.size).toBe(2);
  });

  test("gives a place that became free to the next name", () => {
    const table = new NameTable();
    for (const name of ["a.test", "b.test", "c.test"]) table.add(name);
    expect([table.delete("b.test"), table.delete("b.test")]).toEqual([true, false]);
    expect(table.add("d.test")).toBe(1);
    expect([...table.entries()]).toEqual([
      ["a.test", 0],
      ["d.test", 1],
      ["c.test", 2],
    ]);
  });

  test("takes names of 255 characters and refuses longer ones", () => {
    const table = new NameTable();
    table.add("x".repeat(255));
    expect(() => table.add("x".repeat(256))).toThrow(
      new RangeError("Cannot keep a name of 256 characters: expected up to 255"),
    );
    expect([...table.entries()]).toEqual([["x".repeat(255), 0]]);
  });

  test("holds what a Map holds, whatever comes and goes", () => {
    const step = fc.record({ adds: fc.boolean(), name: fc.integer({ min: 0, max: 60 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const table = new NameTable();
        const names = new Map<string, number>();
        for (const { adds, name } of steps) {
          const text = `${name}.test`;
          if (adds) names.set(text, table.add(text));
          else expect(table.delete(text)).toBe(names.delete(text));
        }
        expect(new Map(table.entries())).toEqual(names);
        expect([...names.keys()].every((name) => table.placeOf(name) === names.get(name))).toBe(true);
      }),
    );
  });

  test("grows, shrinks and is emptied with all names in place", () => {
    const table = new NameTable();
    const nameOf = (index: number) => `host-${index}.example.com`;
    const all = Array.from({ length: 30_000 }, (_, index) => nameOf(index));
    for (const name of all) table.add(name);
    for (let index = 0; index < all.length; index += 3) table.delete(nameOf(index));
    for (let turn = 0; turn < 50_000; turn += 1) {
      table.add(`passing-${turn}.example.com`);
      table.delete(`passing-${turn}.example.com`);
    }
    const kept = all.filter((_, index) => index % 3 !== 0);
    expect(table.size).toBe(kept.length);
    expect([...table.entries()].map(([name]) => name)).toEqual(kept);
    for (const name of kept) table.delete(name);
    expect([table.size, table.placeOf(nameOf(1)), [...table.entries()].length]).toEqual([0, undefined, 0]);
  });
});
