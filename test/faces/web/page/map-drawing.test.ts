import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { type Drawing, pointOf } from "../../../../src/faces/web/page/map/drawing.ts";

const WORLD = "src/faces/web/page/map/world.json";
const written = await readFile(WORLD, "utf8");
const world = JSON.parse(written) as Drawing;

/** The part of d3-geo that the map was drawn with; it brings no types. */
interface Projection {
  (place: readonly [longitude: number, latitude: number]): readonly [number, number];
  scale(k: number): Projection;
  translate(t: readonly number[]): Projection;
}
const d3 = createRequire(import.meta.url)("d3-geo") as { geoNaturalEarth1(): Projection };

describe("pointOf()", () => {
  test("is where d3's geoNaturalEarth1 has every place, to a thousandth of a unit", () => {
    const projection = d3.geoNaturalEarth1().scale(world.k).translate(world.t);
    let farthest = 0;
    for (let latitude = -90; latitude <= 90; latitude += 2.5) {
      for (let longitude = -180; longitude <= 180; longitude += 5) {
        const [x, y] = projection([longitude, latitude]);
        const point = pointOf(world, latitude, longitude);
        farthest = Math.max(farthest, Math.hypot(point.x - x, point.y - y));
      }
    }
    expect(farthest).toBeLessThan(0.001);
  });

  test("draws places inside the outlines of their countries", () => {
    const places = {
      DE: [52.5, 13.4],
      IR: [35.7, 51.4],
      BR: [-15.8, -47.9],
      US: [39.7, -105],
      AU: [-25, 134],
    };
    for (const [code, [latitude = 0, longitude = 0]] of Object.entries(places)) {
      const path = world.c.find(([known]) => known === code)?.[2] ?? "";
      expect(holds(path, pointOf(world, latitude, longitude)), code).toBe(true);
    }
  });
});

describe("world.json", () => {
  test("is what scripts/build-map.mjs makes, byte for byte", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["scripts/build-map.mjs"], {
      maxBuffer: 2 ** 20,
    });
    expect(stdout === written).toBe(true);
  });

  test("has each country once, by two letters or by a name, inside the drawing", () => {
    const keys = world.c.map(([code, name]) =>
      /^[A-Z]{2}$/.test(code) && name === "" ? code : `(${code})${name}`,
    );
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.filter((key) => key.length !== 2).map((key) => key.slice(0, 2))).toEqual(["()", "()", "()"]);
    for (const [code, name, path] of world.c) {
      for (const ring of ringsOf(path)) {
        const outside = ring.filter(([x, y]) => x < 0 || x > world.w || y < 0 || y > world.h);
        expect(outside, code + name).toEqual([]);
      }
    }
  });
});

/** The corners of each closed part of a path as the script writes them: "M1 2l3 4-5 6z". */
function ringsOf(path: string): readonly (readonly [number, number])[][] {
  return path
    .split("z")
    .filter((part) => part !== "")
    .map((part) => {
      const numbers = (part.match(/-?\d+/g) ?? []).map(Number);
      const ring: [number, number][] = [];
      let [x, y] = [0, 0];
      for (let at = 0; at < numbers.length; at += 2) {
        x += numbers[at] ?? 0;
        y += numbers[at + 1] ?? 0;
        ring.push([x, y]);
      }
      return ring;
    });
}

/** Whether a point is in a path, by how often a line to the east crosses it. */
function holds(path: string, { x, y }: { readonly x: number; readonly y: number }): boolean {
  const crossings = ringsOf(path).flatMap((ring) =>
    ring.filter(([x1, y1], at) => {
      const [x2, y2] = ring[(at + 1) % ring.length] ?? [x1, y1];
      return y1 > y !== y2 > y && x < x1 + ((y - y1) / (y2 - y1)) * (x2 - x1);
    }),
  );
  return crossings.length % 2 === 1;
}
