/** A figure with its name: the row at the head of a page. */
import type { ComponentChildren } from "preact";

export function Tiles({ children }: { readonly children: ComponentChildren }) {
  return <dl class="tiles">{children}</dl>;
}

interface TileProps {
  readonly name: string;
  readonly value: ComponentChildren;
  /** A smaller line below. */
  readonly note?: ComponentChildren;
  /** Colours the figure: something is not well. */
  readonly kind?: "warning" | "error";
}

export function Tile({ name, value, note, kind }: TileProps) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd class={kind ? `figure ${kind}` : "figure"}>{value}</dd>
      {note !== undefined && <dd class="note">{note}</dd>}
    </div>
  );
}
