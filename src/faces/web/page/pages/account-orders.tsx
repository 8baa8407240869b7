/** What may be done to one account beside its limits: reset, disable, enable, delete. */
import { useSignal } from "@preact/signals";
import type { UserRow } from "../../../../control/rows.ts";
import type { AccountBody } from "../../wire.ts";
import { order, pathOf } from "../api.ts";
import { size } from "../format.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Notice } from "../kit/notice.tsx";
import { useOrder } from "../kit/use-order.ts";
import { viewer } from "../session.ts";
import { DeleteDialog } from "./delete-dialog.tsx";

interface AccountOrdersProps {
  readonly account: UserRow;
  readonly onDone: (account: UserRow) => void;
  readonly onDeleted: () => void;
}

export function AccountOrders({ account, onDone, onDeleted }: AccountOrdersProps) {
  const asks = useSignal<"" | "reset" | "delete">("");
  const running = useOrder();
  const close = (): void => {
    asks.value = "";
  };
  const give = (what: "reset" | "disable" | "enable"): void => {
    close();
    running.run(async () => {
      onDone((await order<AccountBody>("POST", pathOf("accounts", account.name, what))).account);
    });
  };
  const disabled = account.state === "disabled";
  return (
    <>
      {running.error !== "" && <Notice kind="error">{running.error}</Notice>}
      <div class="buttons">
        <button type="button" disabled={running.busy} onClick={() => (asks.value = "reset")}>
          Reset usage
        </button>
        <button type="button" disabled={running.busy} onClick={() => give(disabled ? "enable" : "disable")}>
          {disabled ? "Enable" : "Disable"}
        </button>
        {viewer()?.mayDelete && (
          <button
            type="button"
            class="danger"
            disabled={running.busy}
            onClick={() => (asks.value = "delete")}
          >
            Delete …
          </button>
        )}
      </div>
      {asks.value === "reset" && (
        <Dialog title="Reset usage" onClose={close}>
          <p>
            Sets what <bdi>{account.name}</bdi> used in this period ({size(account.totalBytes)}) and today (
            {size(account.dailyBytes)}) to nothing. If he was cut, he may come again.
          </p>
          <div class="buttons">
            <button type="button" class="main" onClick={() => give("reset")}>
              Reset
            </button>
            <button type="button" onClick={close}>
              Cancel
            </button>
          </div>
        </Dialog>
      )}
      {asks.value === "delete" && <DeleteDialog account={account} onClose={close} onDeleted={onDeleted} />}
    </>
  );
}
