/** The hooks of OpenVPN servers, and what they need around them (facts: openvpn 7). */
import { dirname } from "node:path";
import { isOurHook } from "../../../enforcement/openvpn/setup-plan.ts";
import { templateOf, unitDropIn } from "../../../enforcement/openvpn/unit-drop-in.ts";
import { dropInPath, UNIT_DIRECTORY } from "../../../enforcement/xray/engine-drop-in.ts";
import { wordsOf } from "../../../sources/openvpn/config-lines.ts";
import { spoolOf } from "../../../sources/openvpn/spool-folder.ts";
import type { ChosenServer } from "../../cli/openvpn-server.ts";
import type { Case } from "../case.ts";
import { type Finding, ok, problem, warning } from "../finding.ts";
import type { Host } from "../host.ts";

const SETUP = "sluice openvpn setup writes them, and asks";

export function judgeHooks({ name, standing, settings }: ChosenServer, { host }: Case): Finding[] {
  const check = "openvpn-hooks";
  if (settings?.management === null) return [];
  const [connect, disconnect] = [standing.connectHook, standing.disconnectHook];
  const foreign = [connect, disconnect]
    .filter((hook) => hook !== undefined)
    .filter((hook) => !isOurHook(hook));
  const ours = [connect, disconnect].filter((hook) => hook !== undefined).filter(isOurHook);
  const findings = foreign.map((hook) =>
    warning(
      check,
      `${name} runs a hook of another program's: ${hook}`,
      "if it counts bytes, sluice openvpn setup puts Sluice's in its place, and asks: OpenVPN runs one of each",
    ),
  );
  if (connect === undefined) {
    findings.push(
      warning(
        check,
        `${name} has no client-connect hook: who is cut gets in again until Sluice looks next`,
        SETUP,
      ),
    );
  }
  if (disconnect === undefined) {
    findings.push(
      warning(
        check,
        `${name} has no client-disconnect hook: what a login moves after Sluice's last look is not counted`,
        SETUP,
      ),
    );
  }
  if (ours.length > 0 && standing.scriptSecurity < 2) {
    findings.push(
      problem(check, `${name} may not run its hooks, and lets nobody in (script-security is below 2)`, SETUP),
    );
  }
  for (const hook of ours) {
    const [program = ""] = wordsOf(hook, () => undefined) ?? [];
    const why = whyNotRun(host, program, standing.user !== undefined && standing.user !== "root");
    if (why !== undefined)
      findings.push(problem(check, `${name} cannot run ${program}, and lets nobody in: ${why}`, SETUP));
  }
  return findings.length > 0 ? findings : [ok(check, `${name} runs Sluice's hooks`)];
}

/** @param stranger the server gave up root: others' bits count for it. */
function whyNotRun(host: Host, program: string, stranger: boolean): string | undefined {
  if (!program.startsWith("/")) return "its path is not absolute";
  const file = host.stat(program);
  if (!file?.isFile()) return "it is not there";
  if ((file.mode & 0o111) === 0) return "it is not executable";
  if (!stranger) return undefined;
  if ((file.mode & 0o005) !== 0o005) return "others may not run it";
  for (let folder = dirname(program); ; folder = dirname(folder)) {
    if (((host.stat(folder)?.mode ?? 0) & 0o001) === 0) return `others may not enter ${folder}`;
    if (folder === "/") return undefined;
  }
}

/** Whoever may write there forges last figures. */
export function judgeSpool({ name, standing }: ChosenServer, { host, settings }: Case): Finding[] {
  const check = "openvpn-spool";
  if (standing.disconnectHook === undefined || !isOurHook(standing.disconnectHook)) return [];
  const path = spoolOf(settings.dataDirectory, name);
  const found = host.stat(path);
  if (!found?.isDirectory()) {
    return [
      problem(
        check,
        `${path} is not there: last figures of ${name}'s logins are lost`,
        "sluice openvpn setup makes it",
      ),
    ];
  }
  const uid = uidOf(host, standing.user);
  const from = { mode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
  const to = { ...from, mode: 0o700, uid: uid ?? from.uid };
  if (from.mode !== to.mode || from.uid !== to.uid) {
    return [
      problem(
        check,
        `${path} belongs to uid ${from.uid} with mode ${from.mode.toString(8)}, where ${name} writes as ${standing.user ?? "root"}`,
        "give it to the server alone",
        { kind: "access", items: [{ path, from, to }] },
      ),
    ];
  }
  if (standing.user === "nobody") {
    return [
      warning(
        check,
        `${name} runs as nobody: whatever else runs so may forge last figures in ${path}`,
        "a user of its own: useradd -r openvpn, and user openvpn in its config; then sluice openvpn setup",
      ),
    ];
  }
  return [ok(check, `only ${name} writes into ${path}`)];
}

function uidOf(host: Host, user: string | undefined): number | undefined {
  if (user === undefined) return 0;
  const line = (host.read("/etc/passwd") ?? "").split("\n").find((entry) => entry.startsWith(`${user}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}

/** Without it the server may begin before the denied are known. */
export function judgeUnit({ name, unit, standing }: ChosenServer, { host }: Case): Finding[] {
  const check = "openvpn-unit";
  const { connectHook } = standing;
  if (unit === undefined || connectHook === undefined || !isOurHook(connectHook)) return [];
  if (host.stat("/run/systemd/system") === undefined) return [];
  const template = templateOf(unit);
  const path = dropInPath({ unit: template, directory: UNIT_DIRECTORY });
  const [before, text] = [host.read(path) ?? null, unitDropIn()];
  if (before === text) return [ok(check, `${name} starts behind Sluice's gates`)];
  return [
    warning(
      check,
      `${unit} may start before it is known who is denied, and its management socket's folder is there`,
      "sluice openvpn setup writes its drop-in",
      { kind: "drop-in", unit: template, path, before, text },
    ),
  ];
}
