/** Asks before the logins of an account are ended. */
import type { KickReply } from "../../../../control/rows.ts";
import { order, pathOf } from "../api.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Notice } from "../kit/notice.tsx";
import { useOrder } from "../kit/use-order.ts";

interface KickDialogProps {
  readonly account: string;
  readonly onEnded: (reply: KickReply) => void;
  readonly onClose: () => void;
}

export function KickDialog({ account, onEnded, onClose }: KickDialogProps) {
  const { busy, error, run } = useOrder();
  const kick = (event: Event): void => {
    event.preventDefault();
    run(async () => onEnded(await order<KickReply>("POST", pathOf("accounts", account, "kick"))));
  };
  return (
    <Dialog title="End logins" onClose={onClose}>
      <form onSubmit={kick}>
        <p>
          All OpenVPN logins of <bdi>{account}</bdi> end, at every server. Unless the account is limited or
          disabled, a client may come again at once.
        </p>
        {error !== "" && <Notice kind="error">{error}</Notice>}
        <div class="buttons">
          <button type="submit" class="danger" disabled={busy}>
            End them
          </button>
          <button type="button" onClick={onClose}>
            Leave them
          </button>
        </div>
      </form>
    </Dialog>
  );
}
