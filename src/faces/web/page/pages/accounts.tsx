/** All accounts as they are now: searched, sorted, filtered, and changed. */
import { useSignal } from "@preact/signals";
import { useCallback, useMemo } from "preact/hooks";
import type { UserState } from "../../../../control/rows.ts";
import { type AccountFilter, filtered, type SortKey, servicesOf } from "../account-filter.ts";
import { whole } from "../format.ts";
import { Choice } from "../kit/field.tsx";
import { SearchField } from "../kit/search-field.tsx";
import { accounts, useLive } from "../live.ts";
import { keepQuery, route } from "../router.ts";
import { isAdmin } from "../session.ts";
import { AccountDialog } from "./account-dialog.tsx";
import { AccountRows } from "./account-rows.tsx";
import { NewAccountDialog } from "./new-account-dialog.tsx";

const STATES = [
  ["", "any"],
  ["ok", "ok"],
  ["warning", "warning"],
  ["limited", "limited"],
  ["disabled", "disabled"],
  ["unlimited", "unlimited"],
] as const satisfies readonly (readonly [UserState | "", string])[];

const SORTS = [
  ["name", "name"],
  ["share", "share of limit"],
  ["remaining", "remaining"],
  ["usage", "used"],
  ["today", "used today"],
  ["rate", "rate"],
] as const satisfies readonly (readonly [SortKey, string])[];

export function Page() {
  useLive({ view: "accounts" });
  const edited = useSignal("");
  const isNew = useSignal(false);
  const { told, rows } = accounts.value;
  const filter = filterOf(route.value.query);
  const { text, state, service, sort, descending } = filter;
  const services = useMemo(() => servicesOf(rows.values()), [rows]);
  const shown = useMemo(
    () => filtered(rows.values(), filter),
    [rows, text, state, service, sort, descending],
  );
  const edit = useCallback((name: string) => void (edited.value = name), [edited]);
  const order = (key: SortKey): void => {
    const turned = key === sort ? !descending : key !== "name" && key !== "remaining";
    keepQuery({ sort: key === "name" ? "" : key, order: turned ? "desc" : "" });
  };
  return (
    <>
      <div class="title">
        <h1>Accounts</h1>
        <span class="muted" role="status">
          {told ? `${whole(shown.length)} of ${whole(rows.size)}` : "Waiting for the daemon …"}
        </span>
        <span class="gap" />
        {isAdmin() && (
          <button type="button" onClick={() => (isNew.value = true)}>
            New account
          </button>
        )}
      </div>
      <div class="row filters">
        <SearchField label="Search by name" value={text} onInput={(q) => keepQuery({ q })} />
        <Choice label="State" value={state} options={STATES} onChange={(one) => keepQuery({ state: one })} />
        <Choice
          label="Service"
          value={service}
          options={[["", "any"], ...services.map((one) => [one, one] as const)]}
          onChange={(one) => keepQuery({ service: one })}
        />
        <Choice label="Sort by" value={sort} options={SORTS} onChange={order} />
        <button
          type="button"
          aria-label={descending ? "Descending: turn round" : "Ascending: turn round"}
          onClick={() => order(sort)}
        >
          {descending ? "▼" : "▲"}
        </button>
      </div>
      {told && (
        <AccountRows
          rows={shown}
          sort={sort}
          descending={descending}
          onSort={order}
          onEdit={isAdmin() ? edit : undefined}
        />
      )}
      {edited.value !== "" && <AccountDialog name={edited.value} onClose={() => (edited.value = "")} />}
      {isNew.value && <NewAccountDialog onClose={() => (isNew.value = false)} />}
    </>
  );
}

/** An address may have been written by hand: what we do not know is passed over. */
function filterOf(query: URLSearchParams): AccountFilter {
  return {
    text: query.get("q") ?? "",
    state: STATES.find(([one]) => one === query.get("state"))?.[0] ?? "",
    service: query.get("service") ?? "",
    sort: SORTS.find(([one]) => one === query.get("sort"))?.[0] ?? "name",
    descending: query.get("order") === "desc",
  };
}
