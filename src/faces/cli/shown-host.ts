/** How a captured host is shown: names come from the network, and from anywhere in the world. */
import { domainToUnicode } from "node:url";
import { safeText } from "../terminal/safe-text.ts";

/** An international name in its own letters behind the form it came in. */
export function shownHost(host: string): string {
  const plain = safeText(host.includes("xn--") ? domainToUnicode(host) : host);
  return plain === host || plain === "" ? host : `${host} (${plain})`;
}
