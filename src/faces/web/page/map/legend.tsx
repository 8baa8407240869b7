/** What the map's shades and circles mean. */
import { whole } from "../format.ts";
import { type CountrySum, shadeSteps } from "./places.ts";

/** @param sums the one with most connections first. */
export function Legend({ sums }: { readonly sums: readonly CountrySum[] }) {
  const steps = shadeSteps(sums[0]?.connections ?? 0);
  if (steps.length === 0) return null;
  return (
    <ul class="map-legend" aria-label="What the map's colours mean, in connections of a country">
      {steps.map(({ shade, from }, at) => {
        const next = steps[at + 1]?.from;
        const to = next === undefined ? (sums[0]?.connections ?? from) : next - 1;
        return (
          <li key={shade}>
            <span class={`swatch shade-${shade}`} aria-hidden="true" />
            {from === to ? whole(from) : `${whole(from)}–${whole(to)}`}
          </li>
        );
      })}
      <li>
        <span class="dot" aria-hidden="true" />
        the larger, the more connections
      </li>
    </ul>
  );
}
