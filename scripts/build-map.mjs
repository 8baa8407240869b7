/**
 * Builds the dashboard's map: the countries' outlines as SVG paths that are
 * projected already, so that the page draws them without any map library.
 *
 *     node scripts/build-map.mjs > src/faces/web/page/map/world.json
 *
 * The result is committed; a test holds it against what this script makes. It is
 * run anew only when world-atlas (Natural Earth, public domain) brings new borders.
 *
 * `{w, h, k, t, c}`: width and height of the drawing, the projection's scale and
 * its shift, and per country `[code, name, path]`. The code is ISO 3166's two
 * letters, and the name is "" then, as browsers know it in every language; places
 * without a code bring the name that Natural Earth has for them.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { geoNaturalEarth1, geoPath } from "d3-geo";
import { feature, quantize } from "topojson-client";
import { presimplify, simplify } from "topojson-simplify";

const WIDTH = 4000;
const HEIGHT = 0.48 * WIDTH;
/** Corners that span less, in square degrees, are left out: a seventh of the size remains. */
const LEAST_CORNER = 0.02;
/** Steps in which corners are told, each way, before they are projected. */
const STEPS = 1e4;
/** Antarctica: no clients, and a quarter of the height. */
const LEFT_OUT = "010";
/** No number in ISO 3166, but a code that address databases use. */
const CODES_BY_NAME = new Map([["Kosovo", "XK"]]);

/** Hands a path's corners on as whole numbers from corner to corner; what shrank to less than a triangle is left out. */
class WholePath {
  text = "";
  #ring = [];

  moveTo(x, y) {
    this.#ring = [[Math.round(x), Math.round(y)]];
  }

  lineTo(x, y) {
    const corner = [Math.round(x), Math.round(y)];
    const [lastX, lastY] = this.#ring.at(-1);
    if (corner[0] !== lastX || corner[1] !== lastY) this.#ring.push(corner);
  }

  closePath() {
    const [first, ...others] = this.#ring;
    const last = others.at(-1);
    if (last && last[0] === first[0] && last[1] === first[1]) others.pop();
    if (others.length < 2) return;
    let at = first;
    const steps = others.map((corner) => {
      const step = pair(corner[0] - at[0], corner[1] - at[1]);
      at = corner;
      return step;
    });
    this.text += `M${pair(...first)}l${steps.join(" ").replaceAll(" -", "-")}z`;
  }
}

function pair(x, y) {
  return y < 0 ? `${x}${y}` : `${x} ${y}`;
}

/** The two letters of a country; browsers' own tables know the three digits as well. */
function codeOf({ id, properties }) {
  if (id === undefined) return CODES_BY_NAME.get(properties.name) ?? "";
  return new Intl.Locale(`und-${id}`).region;
}

const source = createRequire(import.meta.url).resolve("world-atlas/countries-50m.json");
const atlas = quantize(simplify(presimplify(JSON.parse(readFileSync(source, "utf8"))), LEAST_CORNER), STEPS);
const world = feature(atlas, atlas.objects.countries);
world.features = world.features.filter(({ id }) => id !== LEFT_OUT);
const projection = geoNaturalEarth1().fitExtent(
  [
    [0, 0],
    [WIDTH, HEIGHT],
  ],
  world,
);

/** By code, or by name where there is none: islands that are told apart from their country belong to it. */
const countries = new Map();
for (const shape of world.features) {
  const path = new WholePath();
  geoPath(projection, path)(shape);
  if (path.text === "") continue;
  const code = codeOf(shape);
  const name = code === "" ? shape.properties.name : "";
  const key = code || name;
  const drawn = countries.get(key)?.[2] ?? "";
  countries.set(key, [code, name, drawn + path.text]);
}

const rounded = (value) => Math.round(value * 1000) / 1000;
const drawing = {
  w: WIDTH,
  h: HEIGHT,
  k: rounded(projection.scale()),
  t: projection.translate().map(rounded),
  c: [...countries.values()].sort(([a, b], [c, d]) => (a + b < c + d ? -1 : 1)),
};
process.stdout.write(`${JSON.stringify(drawing)}\n`);
