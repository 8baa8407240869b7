/** The limits of one account and his period, to be changed. */
import { useSignal } from "@preact/signals";
import type { UserRow } from "../../../../control/rows.ts";
import type { AccountBody } from "../../wire.ts";
import { ApiError, order, pathOf } from "../api.ts";
import { size, sizeInput } from "../format.ts";
import { Field } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { useOrder } from "../kit/use-order.ts";
import { cutsAtOnce, limitChanges } from "../limit-changes.ts";

interface LimitFormProps {
  readonly account: UserRow;
  readonly onDone: (account: UserRow) => void;
}

export function LimitForm({ account, onDone }: LimitFormProps) {
  const total = useSignal(sizeInput(account.totalLimitBytes));
  const daily = useSignal(sizeInput(account.dailyLimitBytes));
  const period = useSignal(account.period);
  /** He was told that this cuts at once; the next press means it. */
  const warned = useSignal(false);
  const isSet = useSignal(false);
  const saving = useOrder();

  const edit = (field: typeof total, text: string): void => {
    field.value = text;
    warned.value = false;
    isSet.value = false;
  };
  const save = async (): Promise<void> => {
    const fields = { total: total.value, daily: daily.value, period: period.value };
    const changes = limitChanges(fields, account);
    if (Object.keys(changes).length === 0) return onDone(account);
    if (cutsAtOnce(changes, account) && !warned.value) {
      warned.value = true;
      return;
    }
    const path = pathOf("accounts", account.name);
    const body = warned.value ? { ...changes, confirm: true } : changes;
    try {
      onDone((await order<AccountBody>("PATCH", path, body)).account);
    } catch (error) {
      // He may have moved past the new limit while it was typed.
      warned.value = error instanceof ApiError && error.status === 409;
      throw error;
    }
    warned.value = false;
    isSet.value = true;
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        saving.run(save);
      }}
    >
      <div class="fields">
        <Field
          label="Total limit"
          value={total.value}
          onInput={(text) => edit(total, text)}
          hint={`"10GB", "500" (MB), "0" unlimited; used ${size(account.totalBytes)}`}
          required
        />
        <Field
          label="Daily limit"
          value={daily.value}
          onInput={(text) => edit(daily, text)}
          hint={`used today ${size(account.dailyBytes)}`}
          required
        />
        <Field
          label="Period"
          value={period.value}
          onInput={(text) => edit(period, text)}
          hint={'"never", "weekly", "monthly", "monthly:15", "30d"'}
          required
        />
      </div>
      {saving.error !== "" && <Notice kind="error">{saving.error}</Notice>}
      {warned.value && saving.error === "" && (
        <Notice kind="warning">More than that is used already: he is cut as soon as it stands.</Notice>
      )}
      {isSet.value && <Notice kind="done">Set.</Notice>}
      <div class="buttons">
        <button type="submit" class={warned.value ? "danger" : "main"} disabled={saving.busy}>
          {warned.value ? "Set it all the same" : "Set"}
        </button>
      </div>
    </form>
  );
}
