/** Tokens: what programs show instead of a login. Each is said once, when it is made. */
import { useSignal } from "@preact/signals";
import type { MadeTokenBody, NewTokenBody, Scope, TokenRow, TokensBody } from "../../wire.ts";
import { order, pathOf } from "../api.ts";
import { dateTime } from "../format.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Field } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { Table } from "../kit/table.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { useOrder } from "../kit/use-order.ts";
import { viewer } from "../session.ts";

export function TokensPanel() {
  const { body, error, reload } = useFetched<TokensBody>("tokens");
  const isNew = useSignal(false);
  const revoked = useSignal<TokenRow | undefined>(undefined);
  const timeZone = viewer()?.timeZone ?? "UTC";
  return (
    <Panel
      title="Tokens"
      tools={
        <button type="button" onClick={() => (isNew.value = true)}>
          New token
        </button>
      }
    >
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {body && (
        <Table
          caption="Tokens"
          rows={body.tokens}
          keyOf={({ id }) => id}
          empty="There is none."
          columns={[
            { title: "Name", cell: ({ name }) => <bdi>{name}</bdi> },
            { title: "May", cell: ({ scopes }) => scopes.join(", ") },
            { title: "Made", wide: true, cell: ({ createdAt }) => dateTime(createdAt, timeZone) },
            { title: "By", wide: true, cell: ({ createdBy }) => <bdi>{createdBy}</bdi> },
            { title: "Used", cell: ({ usedAt }) => dateTime(usedAt, timeZone) },
            {
              title: "Revoke",
              cell: (row) => (
                <button
                  type="button"
                  class="danger"
                  aria-label={`Revoke ${row.name}`}
                  onClick={() => (revoked.value = row)}
                >
                  Revoke
                </button>
              ),
            },
          ]}
        />
      )}
      {isNew.value && <NewTokenDialog onMade={reload} onClose={() => (isNew.value = false)} />}
      {revoked.value && (
        <RevokeDialog row={revoked.value} onDone={reload} onClose={() => (revoked.value = undefined)} />
      )}
    </Panel>
  );
}

const SCOPES: readonly (readonly [Scope, string])[] = [
  ["read", "read: everything a viewer sees"],
  ["metrics", "metrics: /metrics alone"],
  ["write", "write: change accounts"],
];

interface NewTokenProps {
  readonly onMade: () => void;
  readonly onClose: () => void;
}

function NewTokenDialog({ onMade, onClose }: NewTokenProps) {
  const name = useSignal("");
  const scopes = useSignal<ReadonlySet<Scope>>(new Set(["read"]));
  const made = useSignal("");
  const making = useOrder();
  const choose = (scope: Scope, chosen: boolean): void => {
    scopes.value = new Set(
      SCOPES.flatMap(([one]) => ((one === scope ? chosen : scopes.value.has(one)) ? one : [])),
    );
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    making.run(async () => {
      const body: NewTokenBody = { name: name.value.trim(), scopes: [...scopes.value] };
      made.value = (await order<MadeTokenBody>("POST", "tokens", body)).token;
      onMade();
    });
  };
  if (made.value !== "") {
    return (
      <Dialog title="The token" onClose={onClose}>
        <p>Copy it now: it is not kept, and cannot be shown again.</p>
        <pre class="secret">{made.value}</pre>
        <div class="buttons">
          <button type="button" class="main" onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New token" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Name" value={name.value} onInput={(text) => (name.value = text)} isName required />
        <fieldset>
          <legend>May</legend>
          {SCOPES.map(([scope, text]) => (
            <label class="check" key={scope}>
              <input
                type="checkbox"
                checked={scopes.value.has(scope)}
                onChange={(event) => choose(scope, event.currentTarget.checked)}
              />
              {text}
            </label>
          ))}
        </fieldset>
        {making.error !== "" && <Notice kind="error">{making.error}</Notice>}
        <div class="buttons">
          <button type="submit" class="main" disabled={making.busy || scopes.value.size === 0}>
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

interface RevokeProps {
  readonly row: TokenRow;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function RevokeDialog({ row, onDone, onClose }: RevokeProps) {
  const revoking = useOrder();
  const revoke = (): void =>
    revoking.run(async () => {
      await order("DELETE", pathOf("tokens", row.id));
      onDone();
      onClose();
    });
  return (
    <Dialog title="Revoke the token" onClose={onClose}>
      <p>
        Programs that use <bdi>{row.name}</bdi> are refused from now on.
      </p>
      {revoking.error !== "" && <Notice kind="error">{revoking.error}</Notice>}
      <div class="buttons">
        <button type="button" class="danger" disabled={revoking.busy} onClick={revoke}>
          Revoke
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}
