/**
 * The file in which our `client-disconnect` hook leaves a login's last figures:
 * "key=value" lines in one order, of which the last is "end".
 *
 * It is written by the server's user, who may be the user of other programs:
 * whatever is not exactly so is refused.
 *
 * Pure: no clock, no I/O.
 */
import { reasonOf } from "../../errors.ts";
import { bytes, type UnixTime } from "../../units.ts";
import type { FinalFigures } from "./final-figures.ts";

/** In the order of the file, and named as the server names them in an environment. */
export const FINAL_KEYS = [
  ...["format", "time_unix", "time_duration", "bytes_received", "bytes_sent"],
  ...["trusted_ip", "trusted_port", "trusted_ip6", "ifconfig_pool_remote_ip", "ifconfig_pool_remote_ip6"],
  ...["username", "common_name"],
];
const ADDRESS = /^[\da-fA-F.:]{2,45}(?:%[\w.-]{1,15})?$/;

/** The hook still writes, or was ended in the middle. */
export class UnfinishedFinalError extends Error {
  override readonly name = "UnfinishedFinalError";
  readonly code = "UNFINISHED_FINAL";
}

/**
 * @param file its name, which the figures are known by.
 * @throws {UnfinishedFinalError} when the last line is missing.
 * @throws {SyntaxError} for anything else that is no such file.
 */
export function parseFinal(text: string, file: string, writtenAt: UnixTime): FinalFigures {
  if (!text.endsWith("\nend\n")) throw new UnfinishedFinalError("it does not end in the line end");
  const lines = text.split("\n").slice(0, -2);
  if (lines.length !== FINAL_KEYS.length)
    throw refusal(`${FINAL_KEYS.length} lines before end`, lines.length);
  const values = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    const key = FINAL_KEYS[index] ?? "";
    if (!line.startsWith(`${key}=`)) throw refusal(`"${key}=" on line ${index + 1}`, line);
    values.set(key, line.slice(key.length + 1));
  }
  const value = (key: string) => values.get(key) ?? "";
  if (value("format") !== "1") throw refusal("format=1", value("format"));
  const whole = (key: string) => {
    if (!/^\d{1,16}$/.test(value(key))) throw refusal(`a whole number as ${key}`, value(key));
    try {
      return bytes(Number(value(key)));
    } catch (error) {
      throw refusal(`a number below 2^53 as ${key}`, reasonOf(error));
    }
  };
  return {
    file,
    writtenAt,
    commonName: value("common_name"),
    signedInAs: value("username") || undefined,
    since: whole("time_unix"),
    duration: whole("time_duration"),
    realAddress: realAddress(value("trusted_ip"), value("trusted_ip6"), value("trusted_port")),
    addresses: ["ifconfig_pool_remote_ip", "ifconfig_pool_remote_ip6"].flatMap((key) => {
      if (value(key) === "") return [];
      if (!ADDRESS.test(value(key))) throw refusal(`an address as ${key}`, value(key));
      return [value(key)];
    }),
    traffic: { uplink: whole("bytes_received"), downlink: whole("bytes_sent") },
  };
}

/** As the status has it: IPv6 comes without its port. */
function realAddress(ip: string, ip6: string, port: string): string {
  if (!ADDRESS.test(ip || ip6)) throw refusal("an address as trusted_ip or trusted_ip6", ip || ip6);
  if (!/^\d{1,5}$/.test(port)) throw refusal("a port as trusted_port", port);
  return ip === "" ? ip6 : `${ip}:${port}`;
}

function refusal(expected: string, got: unknown): SyntaxError {
  return new SyntaxError(`expected ${expected}, got ${JSON.stringify(String(got).slice(0, 80))}`);
}
