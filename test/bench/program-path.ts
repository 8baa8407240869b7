/** Where the programs of this folder are, for those who start them as processes of their own. */
import { fileURLToPath } from "node:url";

export function programPath(name: "fake-engine.ts" | "bare-reader.ts" | "udp-origin.ts"): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
