/** `token add`, `list`, `revoke`. */
import { RefusedRequestError } from "../../errors.ts";
import type { Scope } from "../web/wire.ts";
import { type Column, tableText } from "./columns.ts";
import type { Common } from "./command-line.ts";
import { answer } from "./output.ts";
import { settingsFor } from "./settings-for.ts";
import { withWebStore } from "./web-store.ts";

const COLUMNS: readonly Column[] = [
  { title: "ID", align: "right" },
  { title: "NAME", align: "left" },
  { title: "SCOPES", align: "left" },
  { title: "BY", align: "left" },
  { title: "SINCE", align: "left" },
  { title: "USED", align: "left" },
];

export async function addToken(name: string, options: Common & { scope: readonly Scope[] }): Promise<void> {
  await withWebStore(await settingsFor(options), ({ tokens }) => {
    const made = tokens.make({ name, scopes: options.scope }, "the administrator", Date.now());
    answer(
      options,
      made,
      () => `Token ${made.row.id} "${name}" (${made.row.scopes.join(", ")}), said this once: ${made.token}`,
    );
  });
}

export async function listTokens(options: Common): Promise<void> {
  await withWebStore(await settingsFor(options), ({ tokens }) => {
    const rows = tokens.list();
    answer(options, rows, () =>
      rows.length === 0
        ? "No tokens yet: sluice token add NAME --scope read makes one."
        : tableText(
            COLUMNS,
            rows.map(({ id, name, scopes, createdBy, createdAt, usedAt }) => [
              ...[String(id), name, scopes.join(","), createdBy, new Date(createdAt).toISOString()],
              usedAt === 0 ? "never" : new Date(usedAt).toISOString(),
            ]),
          ),
    );
  });
}

export async function revokeToken(id: number, options: Common): Promise<void> {
  await withWebStore(await settingsFor(options), ({ tokens }) => {
    const revoked = tokens.revoke(id);
    if (!revoked) throw new RefusedRequestError(`Cannot revoke token ${id}: there is none of that number`);
    answer(options, revoked, () => `Token ${id} "${revoked.name}" is none any more`);
  });
}
