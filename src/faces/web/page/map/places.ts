/**
 * What the map and the tables beside it show of the places that clients come from.
 *
 * Pure: no clock, no I/O.
 */
import type { Place } from "../../wire.ts";
import { type Drawing, type Point, pointOf } from "./drawing.ts";

export interface CountrySum {
  /** Two letters. */
  readonly country: string;
  readonly addresses: number;
  readonly connections: number;
}

export interface Marker extends Point {
  /** Tells it from all others of its map. */
  readonly key: string;
  readonly place: Place;
  /** Pixels of the screen. */
  readonly radius: number;
}

/** Countries by their connections, the most first; of several places in one, the sum. */
export function countriesOf(places: readonly Place[]): readonly CountrySum[] {
  const sums = new Map<string, CountrySum>();
  for (const { country, addresses, connections } of places) {
    const sum = sums.get(country);
    sums.set(country, {
      country,
      addresses: (sum?.addresses ?? 0) + addresses,
      connections: (sum?.connections ?? 0) + connections,
    });
  }
  return [...sums.values()].sort(
    (one, other) => other.connections - one.connections || (one.country < other.country ? -1 : 1),
  );
}

/** Circles whose area tells the connections, the greatest first, so that it hides no smaller one. */
export function markersOf(places: readonly Place[], drawing: Drawing): readonly Marker[] {
  const most = Math.max(1, ...places.map(({ connections }) => connections));
  return places
    .filter(({ latitude, longitude }) => Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)
    .map((place) => ({
      key: placeKey(place),
      place,
      radius: radiusOf(place.connections, most),
      ...pointOf(drawing, place.latitude, place.longitude),
    }))
    .sort((one, other) => other.radius - one.radius);
}

/**
 * Names a place among all of one list. Not by its position, which is that of the
 * client with most connections there and moves with him.
 */
export function placeKey({ country, city }: Pick<Place, "country" | "city">): string {
  return `${country}/${city}`;
}

/** @param most connections of the place that has most; its circle is the greatest. */
export function radiusOf(connections: number, most: number): number {
  return Math.max(LEAST_RADIUS, GREATEST_RADIUS * Math.sqrt(Math.max(0, connections) / most));
}

const LEAST_RADIUS = 3;
export const GREATEST_RADIUS = 18;

/** How dark a country is, 0 for one without clients to `SHADES`: by the root, as few countries have nearly all. */
export function shadeOf(connections: number, most: number): number {
  if (connections <= 0) return 0;
  return Math.min(SHADES, Math.max(1, Math.ceil(SHADES * Math.sqrt(connections / most))));
}

export const SHADES = 5;

/** The connections from which a country has each shade, 1 to `SHADES`; those nobody can have are left out. */
export function shadeSteps(most: number): readonly { readonly shade: number; readonly from: number }[] {
  const steps = new Map<number, number>();
  for (let shade = 1; shade <= SHADES; shade++) {
    const from = Math.floor(most * ((shade - 1) / SHADES) ** 2) + 1;
    const real = shadeOf(from, most);
    if (from <= most && !steps.has(real)) steps.set(real, from);
  }
  return [...steps].map(([shade, from]) => ({ shade, from }));
}

/** Whole months from when a database was made until now; 0 where that is not known or lies ahead. */
export function monthsOld(builtAt: number, now: number): number {
  if (builtAt <= 0 || now <= builtAt) return 0;
  const [made, today] = [new Date(builtAt), new Date(now)];
  const months =
    (today.getUTCFullYear() - made.getUTCFullYear()) * 12 + today.getUTCMonth() - made.getUTCMonth();
  return today.getUTCDate() < made.getUTCDate() ? months - 1 : months;
}
