/**
 * What an address database says of a network, in either of two shapes:
 *
 *   nested  { country: { iso_code }, city: { names: { en } }, location: { latitude, longitude } }   MaxMind's
 *   flat    { country_code, city, latitude, longitude }                                              ip-location-db's
 *
 * A database of countries has no coordinates: then the country's middle stands for them.
 *
 * Pure: no clock, no I/O.
 */
import { COUNTRY_MIDDLES } from "./country-middles.ts";

/** Where somebody is, as far as his address tells. */
export interface Whereabouts {
  /** Two letters of ISO 3166. */
  readonly country: string;
  /** In English; "" where the database has none. */
  readonly city: string;
  /** Degrees. */
  readonly latitude: number;
  readonly longitude: number;
}

const LONGEST_CITY = 100;

/** @returns undefined for a record without a country, or of one that lies nowhere ("EU"). */
export function whereaboutsOf(record: unknown): Whereabouts | undefined {
  const code = textAt(record, "country", "iso_code") ?? textAt(record, "country_code");
  const country = (code ?? textAt(record, "registered_country", "iso_code") ?? "").toUpperCase();
  if (!/^[A-Z]{2}$/.test(country)) return undefined;
  const city = textAt(record, "city", "names", "en") ?? textAt(record, "city") ?? "";
  const place = pointOf(valueAt(record, "location")) ?? pointOf(record) ?? COUNTRY_MIDDLES.get(country);
  if (!place) return undefined;
  const [latitude, longitude] = place;
  return { country, city: city.slice(0, LONGEST_CITY), latitude, longitude };
}

function pointOf(from: unknown): readonly [latitude: number, longitude: number] | undefined {
  const [latitude, longitude] = [valueAt(from, "latitude"), valueAt(from, "longitude")];
  if (typeof latitude !== "number" || typeof longitude !== "number") return undefined;
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? [latitude, longitude] : undefined;
}

function textAt(from: unknown, ...path: readonly string[]): string | undefined {
  const value = path.reduce(valueAt, from);
  return typeof value === "string" && value !== "" ? value : undefined;
}

function valueAt(from: unknown, key: string): unknown {
  return typeof from === "object" && from !== null ? (from as Record<string, unknown>)[key] : undefined;
}
