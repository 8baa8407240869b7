/** How much of a limit is used: a bar, and the same in words. */
import { limit, percent, size } from "../format.ts";

interface MeterProps {
  readonly label: string;
  readonly used: number;
  /** 0: there is none. */
  readonly of: number;
  /** From how many percent on it is coloured. */
  readonly warnAt?: number;
}

export function Meter({ label, used, of, warnAt = 80 }: MeterProps) {
  const full = percent(used, of);
  const kind = full >= 100 ? "error" : full >= warnAt ? "warning" : "done";
  const text = of === 0 ? `${size(used)}, unlimited` : `${size(used)} of ${limit(of)} (${full.toFixed(0)} %)`;
  return (
    <span
      class="meter"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.min(100, Math.round(full))}
      aria-valuetext={text}
      title={text}
    >
      <span class={kind} style={{ width: `${Math.min(100, full)}%` }} />
    </span>
  );
}
