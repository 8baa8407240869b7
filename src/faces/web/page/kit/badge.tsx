/** A state in a word, with a mark: never by colour alone. */
import type { UserState } from "../../../../control/rows.ts";
import type { Health } from "../../wire.ts";

const STATES: Readonly<Record<UserState, { readonly kind: string; readonly mark: string }>> = {
  ok: { kind: "done", mark: "●" },
  warning: { kind: "warning", mark: "▲" },
  limited: { kind: "error", mark: "■" },
  disabled: { kind: "muted", mark: "◌" },
  unlimited: { kind: "info", mark: "∞" },
};

const HEALTHS: Readonly<Record<Health, { readonly kind: string; readonly mark: string }>> = {
  well: { kind: "done", mark: "●" },
  troubled: { kind: "warning", mark: "▲" },
  down: { kind: "error", mark: "■" },
};

export function StateBadge({ state }: { readonly state: UserState }) {
  return <Badge {...STATES[state]} text={state} />;
}

export function HealthBadge({ health, text }: { readonly health: Health; readonly text?: string }) {
  return <Badge {...HEALTHS[health]} text={text ?? health} />;
}

interface BadgeProps {
  /** "done", "info", "warning", "error", "muted". */
  readonly kind: string;
  readonly mark: string;
  readonly text: string;
}

export function Badge({ kind, mark, text }: BadgeProps) {
  return (
    <span class={`badge ${kind}`}>
      <span aria-hidden="true">{mark}</span> {text}
    </span>
  );
}
