/** A chart over time, drawn on a canvas, with its figures as text and as a table for those who see no canvas. */
import "uplot/dist/uPlot.min.css";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { theme } from "../theme.ts";
import { Table } from "./table.tsx";

export interface Series {
  readonly label: string;
  /** Names a colour: "uplink", "downlink", "accent". */
  readonly ink: string;
  /** null: nothing is known of that moment; the line has a gap. */
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly title: string;
  /** Seconds since 1970, rising. */
  readonly at: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly formatAt: (at: number) => string;
  readonly timeZone: string;
  /** Points are sums over a step and are drawn as bars. */
  readonly bars?: true;
  /** Values count things, no bytes: the axis has round numbers, and what is known of one step alone is seen too. */
  readonly counts?: true;
  /** In pixels. */
  readonly height?: number;
  /** Shows so many seconds until the newest point, which come each second: no table, nobody could read it. */
  readonly movingS?: number;
}

export function Chart(props: ChartProps) {
  const { title, at, series, format, formatAt, timeZone, bars, counts, height = 200, movingS } = props;
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const cursor = useSignal<number | null>(null);
  const tableIsOpen = useSignal(false);
  const dark = useDark();
  const texts = useRef({ format, data: [at, ...series.map(({ values }) => values)] });
  texts.current = { format, data: [at, ...series.map(({ values }) => values)] };

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = new uPlot(
      optionsOf({ element, series, timeZone, bars, counts, height, movingS }, texts.current, (index) => {
        cursor.value = index;
      }),
      texts.current.data as uPlot.AlignedData,
      element,
    );
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.destroy();
    };
  }, [dark, theme.value, timeZone, bars, counts, height, movingS, series.map(({ label }) => label).join()]);

  useEffect(() => plot.current?.setData(texts.current.data as uPlot.AlignedData), [at]);

  const shown = cursor.value ?? undefined;
  const shownAt = shown === undefined ? undefined : at[shown];
  return (
    <div class="chart">
      <div class="legend">
        {series.map(({ label, ink, values }) => {
          const value = shown === undefined ? undefined : values[shown];
          return (
            <span key={label} class={`ink-${ink}`}>
              <span aria-hidden="true">▬</span> <span class="name">{label}</span>{" "}
              {value === undefined || value === null ? "" : format(value)}
            </span>
          );
        })}
        <span class="muted">{shownAt === undefined ? "" : formatAt(shownAt)}</span>
      </div>
      <div ref={holder} role="img" aria-label={`${title}, as a chart`} style={{ minHeight: `${height}px` }} />
      {movingS === undefined && (
        <details onToggle={(event) => (tableIsOpen.value = event.currentTarget.open)}>
          <summary>As a table</summary>
          {tableIsOpen.value && (
            <Table
              caption={title}
              columns={[
                { title: "Time", cell: (row: number) => formatAt(at[row] ?? 0) },
                ...series.map(({ label, values }) => ({
                  title: label,
                  cell: (row: number) => format(values[row] ?? 0),
                  number: true as const,
                })),
              ]}
              rows={at.map((_, row) => row).filter((row) => series.some(({ values }) => values[row]))}
              keyOf={(row) => row}
              empty="Nothing moved in this time."
            />
          )}
        </details>
      )}
    </div>
  );
}

interface Drawing {
  readonly element: HTMLElement;
  readonly series: readonly Series[];
  readonly timeZone: string;
  readonly bars: true | undefined;
  readonly counts: true | undefined;
  readonly height: number;
  readonly movingS: number | undefined;
}

function optionsOf(
  { element, series, timeZone, bars, counts, height, movingS }: Drawing,
  texts: { readonly format: (value: number) => string },
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const page = getComputedStyle(element);
  const axis = {
    stroke: page.color,
    grid: { stroke: "rgba(128, 128, 128, 0.22)", width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), timeZone),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      ...(movingS === undefined ? {} : { x: { range: (_, __, newest) => [newest - movingS, newest] } }),
      y: { range: (_, __, most) => [0, Math.max(counts ? 4 : 1024, (most ?? 0) * 1.08)] },
    },
    axes: [
      { ...axis, space: 70, values: TIMES },
      {
        ...axis,
        size: 76,
        incrs: counts ? ROUND : POWERS,
        values: (_, at) => at.map((value) => shorter(texts.format(value))),
      },
    ],
    series: [
      {},
      ...series.map(({ label, ink }) => {
        // A canvas knows no variables of the style sheet: the legend has the colour, worked out.
        const named = element.parentElement?.querySelector(`.ink-${ink}`);
        const stroke = getComputedStyle(named ?? element).color;
        const fill = stroke.replace("rgb(", "rgba(").replace(")", `, ${counts ? 0.6 : 0.16})`);
        return {
          label,
          stroke,
          fill,
          // So many columns that their edges would be all there is to see.
          width: counts ? 0 : 1.5,
          points: { show: false },
          ...pathsOf(bars, counts),
        };
      }),
    ],
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)] },
  };
}

/** A step reaches from its moment to the next one. */
function pathsOf(bars: true | undefined, counts: true | undefined): Pick<uPlot.Series, "paths"> {
  const { bars: columns, stepped } = uPlot.paths;
  if (counts && columns) return { paths: columns({ align: 1, size: [1, Infinity] }) };
  return bars && stepped ? { paths: stepped({ align: 1 }) } : {};
}

/** "512.00 MB" on an axis is "512 MB". */
function shorter(text: string): string {
  return text.replace(".00", "");
}

/** Sizes are read in powers of two. */
const POWERS = Array.from({ length: 53 }, (_, power) => 2 ** power);

/** There is no half client. */
const ROUND = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** From which span on between two marks, and how they are written: by 24 hours. */
const TIMES: uPlot.Axis.Values = [
  [3600 * 24 * 28, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [3600 * 24, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1],
];

/** Follows the system as it turns dark or light. */
function useDark(): boolean {
  const dark = useSignal(DARK.matches);
  useEffect(() => {
    const onChange = (): void => {
      dark.value = DARK.matches;
    };
    DARK.addEventListener("change", onChange);
    return () => DARK.removeEventListener("change", onChange);
  }, []);
  return dark.value;
}

const DARK = matchMedia("(prefers-color-scheme: dark)");
