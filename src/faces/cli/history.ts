/** `openvpn history`. */
import { RefusedRequestError } from "../../errors.ts";
import type { Common } from "./command-line.ts";

export interface HistoryOptions extends Common {
  readonly since?: string;
  readonly server?: string;
}

export async function showHistory(_name: string | undefined, _options: HistoryOptions): Promise<void> {
  throw new RefusedRequestError("Cannot show the history: none is kept yet");
}
