/**
 * Builds the table of countries' middles, for address databases that know no more than the country.
 *
 *     node scripts/build-centroids.mjs > src/faces/web/geoip/country-middles.ts
 *
 * A middle is that of the country's largest piece of land: with all its islands,
 * France's would lie in Spain. The result is committed; a test holds it against
 * what this script makes. From world-atlas (Natural Earth, public domain); what
 * that draws as a part of another country, or not at all, stands below by hand.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { geoArea, geoCentroid } from "d3-geo";
import { feature } from "topojson-client";

/** No number in ISO 3166, but a code that address databases use. */
const CODES_BY_NAME = new Map([["Kosovo", "XK"]]);
/** Latitude and longitude of the place itself. */
const BY_HAND = {
  ...{ BQ: [12.2, -68.3], BV: [-54.4, 3.4], CC: [-12.2, 96.8], CX: [-10.5, 105.7], GF: [3.9, -53.1] },
  ...{ GI: [36.1, -5.3], GP: [16.2, -61.5], MQ: [14.6, -61], RE: [-21.1, 55.5], SJ: [78.7, 16] },
  ...{ TK: [-9.2, -171.8], TV: [-8.5, 179.2], UM: [19.3, 166.6], YT: [-12.8, 45.2] },
};
const ON_A_LINE = 8;

function codeOf({ id, properties }) {
  if (id === undefined) return CODES_BY_NAME.get(properties.name);
  return new Intl.Locale(`und-${id}`).region;
}

function middleOf({ type, coordinates }) {
  const pieces = type === "Polygon" ? [coordinates] : coordinates;
  const shapes = pieces.map((piece) => ({ type: "Polygon", coordinates: piece }));
  const [longitude, latitude] = geoCentroid(shapes.toSorted((a, b) => geoArea(b) - geoArea(a))[0]);
  return [latitude, longitude];
}

const source = createRequire(import.meta.url).resolve("world-atlas/countries-50m.json");
const atlas = JSON.parse(readFileSync(source, "utf8"));
const middles = new Map();
/** Islands that are told apart from their country come later and do not move it. */
const largestFirst = feature(atlas, atlas.objects.countries).features.toSorted(
  (a, b) => geoArea(b) - geoArea(a),
);
for (const shape of largestFirst) {
  const code = codeOf(shape);
  if (code !== undefined && !middles.has(code)) middles.set(code, middleOf(shape.geometry));
}
for (const [code, middle] of Object.entries(BY_HAND)) middles.set(code, middle);

const words = [...middles]
  .toSorted(([a], [b]) => (a < b ? -1 : 1))
  .map(([code, [latitude, longitude]]) => `${code} ${latitude.toFixed(1)} ${longitude.toFixed(1)}`);
const lines = Array.from({ length: Math.ceil(words.length / ON_A_LINE) }, (_, line) =>
  words.slice(line * ON_A_LINE, (line + 1) * ON_A_LINE).join("; "),
);
process.stdout.write(`/**
 * The middle of each country: two letters of ISO 3166, latitude, longitude, in degrees.
 *
 * Made by scripts/build-centroids.mjs from Natural Earth, public domain.
 *
 * Pure: no clock, no I/O.
 */

const TABLE = \`
${lines.join(";\n")}\`;

export const COUNTRY_MIDDLES: ReadonlyMap<string, readonly [latitude: number, longitude: number]> = new Map(
  TABLE.split(";").map((entry) => {
    const [code = "", latitude, longitude] = entry.trim().split(" ");
    return [code, [Number(latitude), Number(longitude)]] as const;
  }),
);
`);
