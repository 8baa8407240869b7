/** Changing one account from the list. */
import { useSignal } from "@preact/signals";
import type { UserRow } from "../../../../control/rows.ts";
import type { AccountBody } from "../../wire.ts";
import { pathOf } from "../api.ts";
import { StateBadge } from "../kit/badge.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { Notice } from "../kit/notice.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { AccountOrders } from "./account-orders.tsx";
import { LimitForm } from "./limit-form.tsx";

interface AccountDialogProps {
  readonly name: string;
  readonly onClose: () => void;
}

export function AccountDialog({ name, onClose }: AccountDialogProps) {
  const { body, error } = useFetched<AccountBody>(pathOf("accounts", name));
  const changed = useSignal<UserRow | undefined>(undefined);
  const account = changed.value ?? body?.account;
  const take = (now: UserRow): void => {
    changed.value = now;
  };
  return (
    <Dialog title={`Change ${name}`} onClose={onClose}>
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {account && (
        <>
          <p>
            State: <StateBadge state={account.state} />
          </p>
          <LimitForm account={account} onDone={take} />
          <hr />
          <AccountOrders account={account} onDone={take} onDeleted={onClose} />
        </>
      )}
    </Dialog>
  );
}
