/**
 * Where clients come from: countries the darker, circles the larger, the more
 * connections they have. The tables beside it say the same in words.
 */
import "./map.css";
import { useMemo } from "preact/hooks";
import type { Place } from "../../wire.ts";
import { whole as count } from "../format.ts";
import { countryName } from "./country-name.ts";
import type { Drawing, Outline } from "./drawing.ts";
import { type CountrySum, countriesOf, type Marker, markersOf, shadeOf } from "./places.ts";
import { useView } from "./use-view.ts";

interface WorldMapProps {
  readonly drawing: Drawing;
  readonly places: readonly Place[];
  /** Who clicks a circle wants to know more. */
  readonly onPlace?: ((place: Place) => void) | undefined;
}

export function WorldMap({ drawing, places, onPlace }: WorldMapProps) {
  const whole = useMemo(() => ({ x: 0, y: 0, width: drawing.w, height: drawing.h }), [drawing]);
  const { view, perPixel, element, nearer, farther, showWhole, ...handlers } = useView(whole);
  const sums = useMemo(() => countriesOf(places), [places]);
  const markers = useMemo(() => markersOf(places, drawing), [places, drawing]);
  const countries = useMemo(() => <Countries outlines={drawing.c} sums={sums} />, [drawing, sums]);
  // Moving the map changes neither: thousands of circles need no second look at each step of the mouse.
  const circles = useMemo(
    () =>
      markers.map((marker) => (
        <Circle key={marker.key} marker={marker} perPixel={perPixel} onPlace={onPlace} />
      )),
    [markers, perPixel, onPlace],
  );
  const isWhole = view.width >= whole.width;
  return (
    <>
      <svg
        ref={element}
        class={isWhole ? "world" : "world near"}
        viewBox={`${view.x} ${view.y} ${view.width} ${view.height}`}
        role="group"
        aria-roledescription="map"
        aria-label="Where clients come from; the tables of this page say it in words. Arrow keys move, plus and minus zoom, 0 shows the whole world"
        // In SVG, names of attributes have one way to be written.
        tabindex={0}
        {...handlers}
        onPointerCancel={handlers.onPointerUp}
        onPointerLeave={handlers.onPointerUp}
      >
        <g aria-hidden="true">
          {countries}
          {circles}
        </g>
      </svg>
      <div class="zoom">
        <button type="button" aria-label="Zoom in" title="Zoom in" onClick={nearer}>
          +
        </button>
        <button type="button" aria-label="Zoom out" title="Zoom out" disabled={isWhole} onClick={farther}>
          −
        </button>
        <button
          type="button"
          aria-label="Whole world"
          title="Whole world"
          disabled={isWhole}
          onClick={showWhole}
        >
          ⤢
        </button>
      </div>
    </>
  );
}

interface CountriesProps {
  readonly outlines: readonly Outline[];
  /** The one with most connections first. */
  readonly sums: readonly CountrySum[];
}

function Countries({ outlines, sums }: CountriesProps) {
  const byCode = new Map(sums.map((sum) => [sum.country, sum]));
  const most = sums[0]?.connections ?? 0;
  return (
    <>
      {outlines.map(([code, name, path]) => {
        const sum = byCode.get(code);
        return (
          <path key={code || name} class={`land shade-${shadeOf(sum?.connections ?? 0, most)}`} d={path}>
            <title>{titleOf(code === "" ? name : countryName(code), sum)}</title>
          </path>
        );
      })}
    </>
  );
}

interface CircleProps {
  readonly marker: Marker;
  readonly perPixel: number;
  readonly onPlace: ((place: Place) => void) | undefined;
}

function Circle({ marker: { place, radius, x, y }, perPixel, onPlace }: CircleProps) {
  return (
    <circle
      class={onPlace ? "marker known" : "marker"}
      cx={x}
      cy={y}
      r={radius * perPixel}
      onClick={onPlace && (() => onPlace(place))}
    >
      <title>{titleOf(placeName(place), place)}</title>
    </circle>
  );
}

/** "Berlin, Germany". */
export function placeName({ city, country }: Place): string {
  return city === "" ? countryName(country) : `${city}, ${countryName(country)}`;
}

function titleOf(name: string, sum: Pick<Place, "addresses" | "connections"> | undefined): string {
  if (!sum) return name;
  return `${name}: ${count(sum.connections)} connections of ${count(sum.addresses)} addresses`;
}
