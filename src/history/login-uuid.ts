/** A login's id in the form that the old panel's readers expect. */
import { createHash } from "node:crypto";

/** A UUID of version 8: our own making, of the login's name. */
export function uuidOf(id: string): string {
  const hex = createHash("sha256").update(id).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
