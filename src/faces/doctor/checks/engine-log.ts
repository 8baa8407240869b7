/** The engine's access log: who is connected from where is known from it alone (facts: xray 6). */
import { parseJsonc } from "../../../jsonc.ts";
import type { Case } from "../case.ts";
import type { EngineFacts } from "../engine-facts.ts";
import { type Finding, ok, problem, unseen, warning } from "../finding.ts";
import { placeOf } from "./engine-faults.ts";

const CHECK = "xray-access-log";
const WITHOUT = "live connections of a cut user cannot be found";

export function lookAtAccessLog(engine: EngineFacts, { host }: Case): Finding[] {
  const { settings, config, process } = engine;
  const { name } = settings;
  if (settings.accessLog === null) {
    return [
      warning(CHECK, `${name}: its access log is left alone (xray.access_log is null): ${WITHOUT}`, ""),
    ];
  }
  if (config.kind === "unread") return [unseen(CHECK, `${name}: ${config.why}`)];
  const { accessLog, maskAddress } = config.content;
  if (accessLog.kind !== "file" && settings.accessLog === "auto") {
    const where = accessLog.kind === "none" ? "is off" : "goes to the terminal";
    return [
      problem(
        CHECK,
        `${name}: its access log ${where}: ${WITHOUT}`,
        'say "log": {"access": "/var/log/xray/access.log"} in its config, in a folder the engine may write to',
      ),
    ];
  }
  const path =
    settings.accessLog === "auto" && accessLog.kind === "file" ? accessLog.path : settings.accessLog;
  const findings: Finding[] = [];
  if (maskAddress !== undefined) {
    findings.push(
      problem(
        CHECK,
        `${name}: its access log hides addresses (maskAddress "${maskAddress}"): ${WITHOUT}`,
        'take "maskAddress" out of "log" in its config',
      ),
    );
  }
  const file = host.stat(path);
  if (file === undefined) {
    return [
      ...findings,
      warning(
        CHECK,
        `${name}: there is no ${path} yet`,
        "it comes with the first connection; if not, the engine may not write there",
      ),
    ];
  }
  const owner = process?.uid;
  const mayWrite = owner === undefined || owner === 0 || owner === file.uid || (file.mode & 0o022) !== 0;
  if (!mayWrite) {
    const from = { mode: file.mode & 0o7777, uid: file.uid, gid: file.gid };
    findings.push(
      problem(
        CHECK,
        `${name}: the engine runs as uid ${owner} and may not write ${path}, which is uid ${file.uid}'s`,
        `chown ${owner} ${path}`,
        { kind: "access", items: [{ path, from, to: { ...from, uid: owner } }] },
      ),
    );
  }
  return findings.length > 0 ? findings : [ok(CHECK, `${name}: ${path} is there and shows addresses`)];
}

/** First version that believes no forwarded address unless it is told which header to trust. */
const TRUSTS_NOBODY = "26.6.22";
const BEHIND = new Set(["ws", "websocket", "httpupgrade", "xhttp", "splithttp", "grpc"]);

/** Behind nginx, newer versions of Xray log nginx's own address for everybody. */
export function lookAtForwarded({ settings: { name }, config, version }: EngineFacts): Finding[] {
  const check = "xray-forwarded";
  if (config.kind === "unread" || version?.kind !== "xray" || version.version === undefined) return [];
  if (placeOf(version.version) < placeOf(TRUSTS_NOBODY)) return [];
  const { inbounds } = Object(parseJsonc(config.text)) as { inbounds?: unknown };
  const untrusting = (Array.isArray(inbounds) ? inbounds : []).filter((inbound) => {
    const { listen, streamSettings } = Object(inbound) as { listen?: unknown; streamSettings?: unknown };
    const { network, sockopt } = Object(streamSettings) as { network?: unknown; sockopt?: unknown };
    const { trustedXForwardedFor: trusted } = Object(sockopt) as { trustedXForwardedFor?: unknown };
    const local = typeof listen === "string" && /^(?:127\.|::1$|localhost$|[/@])/.test(listen);
    return local && BEHIND.has(String(network)) && !(Array.isArray(trusted) && trusted.length > 0);
  });
  if (untrusting.length === 0) return [];
  return [
    warning(
      check,
      `${name}: Xray ${version.version} logs the proxy's own address for everybody on ${untrusting.length} inbounds behind one`,
      'give each "streamSettings": {"sockopt": {"trustedXForwardedFor": ["X-Forwarded-For"]}}',
    ),
  ];
}
