/**
 * The map as scripts/build-map.mjs drew it: countries' outlines in a plane of
 * whole units, and where a place of the earth is in that plane.
 *
 * Pure: no clock, no I/O.
 */

/** world.json. */
export interface Drawing {
  readonly w: number;
  readonly h: number;
  /** The projection's scale and the plane's point of latitude 0, longitude 0. */
  readonly k: number;
  readonly t: readonly [x: number, y: number];
  readonly c: readonly Outline[];
}

/** The code is of ISO 3166, "" where a territory has none and brings its name instead; the path is SVG's. */
export type Outline = readonly [code: string, name: string, path: string];

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Where a place is drawn: the Natural Earth projection by its polynomials
 * (Šavrič, Patterson and Jenny), the same by which the outlines were made.
 *
 * @param latitude -90 to 90 degrees, north above 0.
 * @param longitude -180 to 180 degrees, east above 0.
 */
export function pointOf({ k, t }: Pick<Drawing, "k" | "t">, latitude: number, longitude: number): Point {
  const north = latitude * RADIANS;
  const east = longitude * RADIANS;
  const two = north * north;
  const four = two * two;
  return {
    x:
      t[0] +
      k * east * (0.8707 - 0.131979 * two + four * (-0.013791 + four * (0.003971 * two - 0.001529 * four))),
    y:
      t[1] -
      k * north * (1.007226 + two * (0.015085 + four * (-0.044475 + 0.028874 * two - 0.005916 * four))),
  };
}

const RADIANS = Math.PI / 180;
