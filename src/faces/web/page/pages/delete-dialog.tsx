/** Deleting an account: its name is typed once more. */
import { useSignal } from "@preact/signals";
import type { UserRow } from "../../../../control/rows.ts";
import type { DeleteBody } from "../../wire.ts";
import { order, pathOf } from "../api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Field } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { useOrder } from "../kit/use-order.ts";

interface DeleteDialogProps {
  readonly account: UserRow;
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}

export function DeleteDialog({ account: { name, services }, onClose, onDeleted }: DeleteDialogProps) {
  const typed = useSignal("");
  const keepLogin = useSignal(true);
  const deleting = useOrder();
  const hasLogin = services.includes("ssh");
  const submit = (event: Event): void => {
    event.preventDefault();
    deleting.run(async () => {
      const body: DeleteBody = { confirm: typed.value, ...(hasLogin ? { keepLogin: keepLogin.value } : {}) };
      await order("DELETE", pathOf("accounts", name), body);
      onDeleted();
    });
  };
  return (
    <Dialog title="Delete the account" onClose={onClose}>
      <form onSubmit={submit}>
        <p>
          Deletes <strong dir="auto">{name}</strong> with his limits and his books. This cannot be taken back.
        </p>
        {hasLogin && (
          <label class="check">
            <input
              type="checkbox"
              checked={keepLogin.value}
              onChange={(event) => (keepLogin.value = event.currentTarget.checked)}
            />
            Keep his login on this host
          </label>
        )}
        <Field
          label="Type the name to confirm"
          value={typed.value}
          onInput={(text) => (typed.value = text)}
          isName
          required
        />
        {deleting.error !== "" && <Notice kind="error">{deleting.error}</Notice>}
        <div class="buttons">
          <button type="submit" class="danger" disabled={typed.value !== name || deleting.busy}>
            Delete
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
