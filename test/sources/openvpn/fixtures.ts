/** What real servers sent, as recorded (test/fixtures/openvpn). */
import { readFileSync } from "node:fs";

/** The bytes of one recording: "mgmt/07-usr1-hup-term.raw". */
export function recording(name: string): Buffer {
  return readFileSync(new URL(`../../fixtures/openvpn/${name}`, import.meta.url));
}

/** The lines of the answer to `status` in a recording of it, without END; the greeting in front is left out. */
export function statusLines(name: string): string[] {
  const lines = recording(name).toString("utf8").split(/\r?\n/);
  return lines.slice(lines[0]?.startsWith(">INFO") ? 1 : 0, lines.indexOf("END"));
}
