/** How something that is read does: whether it answers, and what keeps it from being exact. */
import type { SourceStatus } from "../../../../control/rows.ts";
import { HealthBadge } from "./badge.tsx";

export function SourceHealth({
  answering,
  trouble,
  notes,
}: Pick<SourceStatus, "answering" | "trouble" | "notes">) {
  return (
    <>
      <HealthBadge
        health={!answering ? "down" : notes.length > 0 ? "troubled" : "well"}
        text={answering ? "answers" : "does not answer"}
      />
      {[trouble, ...notes]
        .filter((text) => text !== "")
        .map((text) => (
          <small key={text} class="below">
            {text}
          </small>
        ))}
    </>
  );
}
