/** Where the programs of this folder are, for those who start them as processes of their own. */
import { fileURLToPath } from "node:url";

type Program =
  | "fake-engine.ts"
  | "bare-reader.ts"
  | "udp-origin.ts"
  | "hello-replay.ts"
  | "bulk-traffic.ts"
  | "bulk-packets.ts"
  | "openvpn-server.ts"
  | "openvpn-poller.ts"
  | "live-server.ts"
  | "sign-in-server.ts";

export function programPath(name: Program): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
