/**
 * Whether downloads are counted while they run: Xray has the kernel copy those of
 * vision, socks and http users, and counts them when they end (facts: xray 2.3).
 */
import type { UserRow } from "../../../control/rows.ts";
import type { UserName } from "../../../names.ts";
import type { Change } from "../change.ts";
import type { EngineFacts } from "../engine-facts.ts";
import { type Finding, ok, problem, someOf, unseen, warning } from "../finding.ts";
import { isThere } from "./engine-process.ts";

/** @param dropIn what is known of the unit's drop-in, and how it is written. */
export function judgeSplice(
  engine: EngineFacts,
  users: readonly UserRow[],
  dropIn: { readonly installed: boolean; readonly fix: Change | undefined },
): Finding[] {
  const check = "xray-splice";
  const { name, service } = engine.settings;
  if (engine.version !== undefined && engine.version.kind !== "xray") {
    return [ok(check, `${name}: V2Ray counts downloads while they run`)];
  }
  if (engine.config.kind === "unread") return [unseen(check, `${name}: ${engine.config.why}`)];
  const spliced = splicers(engine.config);
  if (spliced.length === 0) return [ok(check, `${name}: nobody has a flow that the kernel copies uncounted`)];
  if (!isThere(engine)) return [];
  if (engine.environment === undefined)
    return [
      unseen(
        check,
        `${name}: whether splice is off, as its environment is not to be seen`,
        "sudo sluice doctor",
      ),
    ];
  if (isOff(engine.environment)) {
    return [ok(check, `${name}: splice is off, so downloads are counted while they run`)];
  }
  const text = `${name}: downloads of ${spliced.length} users (vision, socks, http) are counted only when they end: ${someOf(spliced)}`;
  const advice =
    service === null
      ? "start the engine with XRAY_BUF_SPLICE=disable in its environment"
      : dropIn.installed
        ? `its drop-in is there: systemctl restart ${service}`
        : "sluice xray drop-in --no-splice, then restart the engine";
  const carried = spliced.every((user) => isGated(user, name, users));
  const fix = dropIn.installed ? undefined : dropIn.fix;
  return carried
    ? [warning(check, `${text}; a gate in the kernel stops them at their limit`, advice, fix)]
    : [problem(check, text, advice, fix)];
}

export function splicers(config: Extract<EngineFacts["config"], { kind: "read" }>): readonly UserName[] {
  const clients = config.content.inbounds.flatMap((inbound) => inbound.clients);
  const spliced = clients.filter(({ account }) =>
    account.protocol === "vless"
      ? account.flow.includes("vision")
      : account.protocol === "socks" || account.protocol === "http",
  );
  return [...new Set(spliced.map(({ email }) => email))];
}

/** Xray takes any value but these for an order to leave it (proxy/freedom). */
function isOff(environment: ReadonlyMap<string, string>): boolean {
  const value = environment.get("XRAY_BUF_SPLICE") ?? environment.get("xray.buf.splice") ?? "auto";
  return !["", "auto", "enable"].includes(value);
}

function isGated(user: UserName, keeper: string, rows: readonly UserRow[]): boolean {
  return rows.some(
    ({ name, stops }) =>
      name === user && stops.some((stop) => stop.keeper === keeper && stop.step === "gate"),
  );
}
