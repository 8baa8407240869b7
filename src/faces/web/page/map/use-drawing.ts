/** Brings the countries' outlines when the first map is looked at: they are as large as the rest of the page. */
import { useEffect, useState } from "preact/hooks";
import type { Drawing } from "./drawing.ts";

/** "failed": it could not be brought; undefined: not yet. */
export function useDrawing(): Drawing | "failed" | undefined {
  const [drawing, setDrawing] = useState<Drawing | "failed" | undefined>(undefined);
  useEffect(() => {
    import("./world.json").then(
      (module) => setDrawing(module.default as unknown as Drawing),
      () => setDrawing("failed"),
    );
  }, []);
  return drawing;
}
