/**
 * What an engine's process and program say: whether it answers, how it counts,
 * where it runs.
 *
 * Pure: no clock, no I/O.
 */
import type { EngineFacts } from "../engine-facts.ts";
import { type Finding, ok, problem, unseen, warning } from "../finding.ts";
import { faultsOf, GOOD_VERSION } from "./engine-faults.ts";

export function judgeApi({ settings, process, config, api }: EngineFacts): Finding[] {
  const check = "xray-api";
  const { name, service } = settings;
  if (api.trouble === undefined) return [ok(check, `${name}: its API answers at ${settings.api}`)];
  if (process === undefined && config.kind === "unread" && config.path === undefined) {
    return [
      warning(
        check,
        `${name}: there is no engine at ${settings.api}, and no config of one`,
        'without Xray or V2Ray, say "xray": null in the settings',
      ),
    ];
  }
  if (process === undefined) {
    const start =
      service === null
        ? "start it"
        : `systemctl start ${service}; journalctl -u ${service} tells why it ended`;
    return [problem(check, `${name}: the engine does not run (nobody at ${settings.api})`, start)];
  }
  return [
    problem(
      check,
      `${name}: the engine runs (pid ${process.pid}) and its API does not answer: ${api.trouble}`,
      'put its address into the settings as xray.api, or have "sluice xray setup" add an API',
    ),
  ];
}

export function judgeVersion(engine: EngineFacts): Finding[] {
  const check = "xray-version";
  const { process, version } = engine;
  const { name } = engine.settings;
  if (process === undefined)
    return isThere(engine) ? [unseen(check, `${name}: its version, as ${LOST}`)] : [];
  if (version === undefined) return [unseen(check, `${name}: its version, as its program cannot be asked`)];
  if (version.kind !== "xray") {
    const number = version.version ?? "5";
    return [ok(check, `${name}: V2Ray ${number} has no known fault of counting`)];
  }
  if (version.version === undefined)
    return [unseen(check, `${name}: its version, as its program does not tell it`)];
  const faults = faultsOf(version.version);
  if (faults.length === 0)
    return [ok(check, `${name}: Xray ${version.version} has no known fault of counting`)];
  const text = `${name}: Xray ${version.version}: ${faults.map((fault) => fault.text).join("; ")}`;
  const advice = `update it to ${GOOD_VERSION} or later`;
  return [faults.some(({ grave }) => grave) ? problem(check, text, advice) : warning(check, text, advice)];
}

export function judgePlace(engine: EngineFacts): Finding[] {
  const check = "xray-place";
  const { process, elsewhere } = engine;
  const { name } = engine.settings;
  if (process === undefined) {
    if (!isThere(engine)) return [];
    const advice = "an engine in a container has to share the host's network (network_mode: host)";
    return [unseen(check, `${name}: where it runs, as ${LOST}`, advice)];
  }
  if (elsewhere === undefined)
    return [unseen(check, `${name}: in which network namespace it runs`, "sudo sluice doctor")];
  if (!elsewhere)
    return [ok(check, `${name}: it runs in this host's network namespace (pid ${process.pid})`)];
  return [
    warning(
      check,
      `${name}: it runs in another network namespace (a container), where no gate and no socket of this host's is`,
      "run it with the host's network (network_mode: host); until then users are cut through its API alone",
    ),
  ];
}

/** One that does not run is told of once, by its API. */
export function isThere({ process, api }: EngineFacts): boolean {
  return process !== undefined || api.trouble === undefined;
}

const LOST = "its process was not found on this host";
