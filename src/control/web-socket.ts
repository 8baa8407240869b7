/** Where the web asks the daemon; apart from both ends of the conversation, neither of which needs the other. */
import { join } from "node:path";
import type { Settings } from "../config.ts";

export function webSocket({ runtimeDirectory }: Pick<Settings, "runtimeDirectory">): string {
  return join(runtimeDirectory, "web.sock");
}
