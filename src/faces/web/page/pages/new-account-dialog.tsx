/** Making an account before he has moved anything: a name and his limits. */
import { useSignal } from "@preact/signals";
import type { AccountBody } from "../../wire.ts";
import { order } from "../api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Field } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { useOrder } from "../kit/use-order.ts";
import { limitChanges } from "../limit-changes.ts";
import { href } from "../route.ts";
import { go } from "../router.ts";

const NOTHING = { totalLimitBytes: -1, dailyLimitBytes: 0, period: "", totalBytes: 0, dailyBytes: 0 };

export function NewAccountDialog({ onClose }: { readonly onClose: () => void }) {
  const name = useSignal("");
  const total = useSignal("0");
  const daily = useSignal("0");
  const period = useSignal("monthly");
  const making = useOrder();
  const submit = (event: Event): void => {
    event.preventDefault();
    making.run(async () => {
      const limits = limitChanges({ total: total.value, daily: daily.value, period: period.value }, NOTHING);
      const { account } = await order<AccountBody>("POST", "accounts", {
        name: name.value.trim(),
        ...limits,
      });
      go(href("accounts", account.name));
    });
  };
  return (
    <Dialog title="New account" onClose={onClose}>
      <form onSubmit={submit}>
        <p class="note">
          Sluice knows him by this name as soon as an engine, OpenVPN or SSH does; it makes no login for him.
        </p>
        <Field label="Name" value={name.value} onInput={(text) => (name.value = text)} isName required />
        <Field
          label="Total limit"
          value={total.value}
          onInput={(text) => (total.value = text)}
          hint={'"10GB", "500" (MB), "0" unlimited'}
          required
        />
        <Field label="Daily limit" value={daily.value} onInput={(text) => (daily.value = text)} required />
        <Field
          label="Period"
          value={period.value}
          onInput={(text) => (period.value = text)}
          hint={'"never", "weekly", "monthly", "monthly:15", "30d"'}
          required
        />
        {making.error !== "" && <Notice kind="error">{making.error}</Notice>}
        <div class="buttons">
          <button type="submit" class="main" disabled={making.busy}>
            Make it
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
