/** The settings that are safe to change while the daemon runs: it writes its file and takes them over at once. */
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import type { SettingRow } from "../../../../control/rows.ts";
import type { SettingsBody } from "../../wire.ts";
import { order } from "../api.ts";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { useOrder } from "../kit/use-order.ts";
import { jsonOf, kindOf, textOf } from "../setting-text.ts";

export function SettingsPanel() {
  const { body, error } = useFetched<SettingsBody>("settings");
  const changed = useSignal<readonly SettingRow[] | undefined>(undefined);
  const rows = changed.value ?? body?.settings;
  return (
    <Panel title="Settings of the daemon">
      <p class="note">
        A change is written to the settings file and taken over without a restart. What is not listed here is
        changed in the file, on the server.
      </p>
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {rows?.map((row) => (
        <Setting key={`${row.key} ${row.value}`} row={row} onChanged={(all) => (changed.value = all)} />
      ))}
    </Panel>
  );
}

interface SettingProps {
  readonly row: SettingRow;
  readonly onChanged: (rows: readonly SettingRow[]) => void;
}

function Setting({ row: { key, about, value, fallback }, onChanged }: SettingProps) {
  const id = useId();
  const text = useSignal(textOf(value));
  const saving = useOrder();
  const kind = kindOf(value, fallback);
  const save = (json: () => string): void =>
    saving.run(async () => {
      const changes = [{ key, value: json() }];
      onChanged((await order<SettingsBody>("PATCH", "settings", { changes })).settings);
    });
  const edit = (event: { readonly currentTarget: { readonly value: string } }): void => {
    text.value = event.currentTarget.value;
  };
  const field = { id, value: text.value, "aria-describedby": `${id}-about` };
  return (
    <form
      class="setting"
      onSubmit={(event) => {
        event.preventDefault();
        save(() => jsonOf(kind, text.value));
      }}
    >
      <label for={id}>
        <code>{key}</code>
      </label>
      {kind === "flag" ? (
        <select {...field} onChange={edit}>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : (
        <input {...field} type="text" spellcheck={false} autocomplete="off" onInput={edit} />
      )}
      <div class="buttons">
        <button type="submit" class="main" disabled={saving.busy || text.value === textOf(value)}>
          Set
        </button>
        <button type="button" disabled={saving.busy || value === fallback} onClick={() => save(() => "")}>
          Default ({textOf(fallback)})
        </button>
      </div>
      <p class="note" id={`${id}-about`}>
        {about}
      </p>
      {saving.error !== "" && <Notice kind="error">{saving.error}</Notice>}
    </form>
  );
}
