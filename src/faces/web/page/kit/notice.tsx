/** A sentence that stands out: what went wrong, or what to know. */
import type { ComponentChildren } from "preact";

interface NoticeProps {
  readonly kind: "info" | "warning" | "error" | "done";
  readonly children: ComponentChildren;
}

/** Errors are read out at once, everything else when there is a pause. */
export function Notice({ kind, children }: NoticeProps) {
  return (
    <p class={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      {children}
    </p>
  );
}
