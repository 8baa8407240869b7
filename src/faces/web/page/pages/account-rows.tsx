/** The list of accounts: ten thousand rows, of which those in the window are drawn. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { AccountTuple } from "../../wire.ts";
import { remaining, type SortKey } from "../account-filter.ts";
import { limit, rate, size } from "../format.ts";
import { StateBadge } from "../kit/badge.tsx";
import { Meter } from "../kit/meter.tsx";
import { useWindowRows } from "../kit/use-window-rows.ts";
import { href } from "../route.ts";

interface AccountRowsProps {
  readonly rows: readonly AccountTuple[];
  readonly sort: SortKey;
  readonly descending: boolean;
  readonly onSort: (key: SortKey) => void;
  /** Undefined: he may change nothing. */
  readonly onEdit: ((name: string) => void) | undefined;
}

const COLUMNS = [
  ["Account", "name", ""],
  ["State", undefined, ""],
  ["Services", undefined, "wide"],
  ["Used", "usage", "number"],
  ["Limit", undefined, "number wide"],
  ["Share", "share", "wide"],
  ["Remaining", "remaining", "number wide"],
  ["Today", "today", "number wide"],
  ["Rate", "rate", "number"],
] as const;

/** As in the style sheet. */
const ROW_HEIGHT = { wide: 34, narrow: 58 };
const NARROW = matchMedia("(width < 760px)");

export function AccountRows({ rows, sort, descending, onSort, onEdit }: AccountRowsProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const height = useRowHeight();
  const { first, end } = useWindowRows(body, rows.length, height);
  if (rows.length === 0) return <p class="empty">No account fits.</p>;
  return (
    <table class="accounts live" aria-rowcount={rows.length + 1}>
      <caption class="unseen">Accounts</caption>
      <thead>
        <tr aria-rowindex={1}>
          {COLUMNS.map(([title, key, kind]) => (
            <th
              key={title}
              scope="col"
              class={kind}
              aria-sort={
                key === undefined || key !== sort ? undefined : descending ? "descending" : "ascending"
              }
            >
              {key === undefined ? (
                title
              ) : (
                <button type="button" class="quiet" onClick={() => onSort(key)}>
                  {title} {key === sort && <span aria-hidden="true">{descending ? "▼" : "▲"}</span>}
                </button>
              )}
            </th>
          ))}
          {onEdit && (
            <th scope="col">
              <span class="unseen">Change</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody ref={body}>
        <Spacer height={first * height} />
        {rows.slice(first, end).map((row, index) => (
          <Row key={row[0]} row={row} index={first + index + 2} onEdit={onEdit} />
        ))}
        <Spacer height={(rows.length - end) * height} />
      </tbody>
    </table>
  );
}

function Row({
  row,
  index,
  onEdit,
}: {
  readonly row: AccountTuple;
  readonly index: number;
  readonly onEdit: AccountRowsProps["onEdit"];
}) {
  const [name, state, services, total, totalLimit, daily, dailyLimit, uplinkRate, downlinkRate] = row;
  const left = remaining(row);
  const byDay = totalLimit === 0 && dailyLimit > 0;
  // The same words for the same row: what did not change is not even compared.
  return useMemo(
    () => (
      <tr aria-rowindex={index}>
        <th scope="row">
          <a href={href("accounts", name)} dir="auto">
            {name}
          </a>
        </th>
        <td>
          <StateBadge state={state} />
        </td>
        <td class="wide">{services.join(", ")}</td>
        <td class="number">
          {size(total)}
          {totalLimit > 0 && <span class="narrow muted"> of {limit(totalLimit)}</span>}
        </td>
        <td class="number wide">{byDay ? `${limit(dailyLimit)} a day` : limit(totalLimit)}</td>
        <td class="wide">
          <Meter
            label={`Used by ${name}`}
            used={byDay ? daily : total}
            of={byDay ? dailyLimit : totalLimit}
          />
        </td>
        <td class="number wide">{left === undefined ? "" : size(left)}</td>
        <td class="number wide">{size(daily)}</td>
        <td class="number">{uplinkRate + downlinkRate === 0 ? "" : rate(uplinkRate + downlinkRate)}</td>
        {onEdit && (
          <td>
            <button type="button" aria-label={`Change ${name}`} onClick={() => onEdit(name)}>
              …
            </button>
          </td>
        )}
      </tr>
    ),
    [row, index, onEdit],
  );
}

/** Stands for the rows that are not drawn. */
function Spacer({ height }: { readonly height: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden="true" class="spacer">
      <td colSpan={COLUMNS.length + 1} style={{ height: `${height}px` }} />
    </tr>
  );
}

function useRowHeight(): number {
  const narrow = useSignal(NARROW.matches);
  useEffect(() => {
    const onChange = (): void => {
      narrow.value = NARROW.matches;
    };
    NARROW.addEventListener("change", onChange);
    return () => NARROW.removeEventListener("change", onChange);
  }, []);
  return narrow.value ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide;
}
