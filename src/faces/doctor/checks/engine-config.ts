/**
 * What an engine's config says about counting and cutting its users.
 *
 * Pure: no clock, no I/O.
 */
import type { ServiceName } from "../../../sources/xray/session.ts";
import type { ApiFacts, EngineFacts } from "../engine-facts.ts";
import { type Finding, ok, problem, someOf, unseen, warning } from "../finding.ts";

const SETUP = "sluice xray setup";

export function judgeServices({ settings, api, config, panel }: EngineFacts): Finding[] {
  const check = "xray-services";
  const { name } = settings;
  const written = config.kind === "read" ? config.content.apiServices : undefined;
  const missing = SERVICES.filter((each) => isMissing(each, api, written));
  const untold = SERVICES.filter((each) => api.offers[each] === undefined && written === undefined);
  if (untold.length > 0) {
    const why = api.trouble === undefined ? "its API does not tell" : "its API does not answer";
    return [unseen(check, `${name}: which services are on (${why}, and its config was not read)`)];
  }
  if (missing.length === 0)
    return [ok(check, `${name}: StatsService, HandlerService and RoutingService are on`)];
  return missing.map((service) => {
    const stale = written?.includes(service) === true;
    const advice = stale
      ? `restart the engine: its config has it${settings.service === null ? "" : ` (systemctl restart ${settings.service})`}`
      : panel === undefined
        ? `${SETUP} switches it on`
        : `switch it on in ${panel}: "api": {"services": [... "${service}"]}`;
    const text = `${name}: no ${service}: ${LACKS[service].text}`;
    return LACKS[service].grave ? problem(check, text, advice) : warning(check, text, advice);
  });
}

const SERVICES = ["StatsService", "HandlerService", "RoutingService"] as const;

const LACKS: Readonly<Record<ServiceName, { readonly text: string; readonly grave: boolean }>> = {
  StatsService: { text: "nobody is counted", grave: true },
  HandlerService: { text: "a cut takes a restart of the engine, for everybody", grave: true },
  RoutingService: { text: "a cut user's open mux connection is not stopped by a rule", grave: false },
};

/** The running engine's word weighs more than the file's, which it may not have read yet. */
function isMissing(
  service: ServiceName,
  { offers }: ApiFacts,
  written: readonly string[] | undefined,
): boolean {
  const offered = offers[service];
  return offered === undefined ? written !== undefined && !written.includes(service) : !offered;
}

export function judgeTags({ settings: { name }, config }: EngineFacts): Finding[] {
  const check = "xray-tags";
  if (config.kind === "unread") return [unreadConfig(check, name, config)];
  const used = config.content.inbounds.filter(({ clients }) => clients.length > 0);
  const untagged = used.filter(({ tag }) => tag === undefined);
  if (untagged.length === 0) return [ok(check, `${name}: every inbound with users has a tag`)];
  const places = someOf(untagged.map(({ index, protocol }) => `inbounds[${index}] (${protocol})`));
  return [
    problem(
      check,
      `${name}: ${untagged.length} of ${used.length} inbounds with users have no tag, so nobody can be removed there without a restart: ${places}`,
      `${SETUP} tags them`,
    ),
  ];
}

export function judgeStats({ settings: { name }, config }: EngineFacts): Finding[] {
  const check = "xray-stats";
  if (config.kind === "unread") return [unreadConfig(check, name, config)];
  const { hasStats, levels, inbounds } = config.content;
  if (!hasStats) {
    return [
      problem(check, `${name}: no "stats" in its config, so nobody is counted`, `${SETUP} switches it on`),
    ];
  }
  const clients = inbounds.flatMap((inbound) => inbound.clients);
  const uncounted = [...Map.groupBy(clients, ({ level }) => level)].filter(([level]) => {
    const counts = levels.get(level);
    return !counts?.uplink || !counts.downlink;
  });
  if (uncounted.length === 0)
    return [ok(check, `${name}: every level in use is counted, in both directions`)];
  return uncounted.map(([level, users]) =>
    problem(
      check,
      `${name}: level ${level} is ${levels.has(level) ? "counted in part" : "not counted"} in policy.levels, and ${users.length} users have it: ${someOf(users.map(({ email }) => email))}`,
      `${SETUP} switches statsUserUplink and statsUserDownlink on`,
    ),
  );
}

export function judgeEmails({ settings: { name }, config }: EngineFacts): Finding[] {
  const check = "xray-emails";
  if (config.kind === "unread") return [unreadConfig(check, name, config)];
  const nameless = config.content.problems.filter((text) => NAMELESS.test(text));
  if (nameless.length === 0)
    return [ok(check, `${name}: every user has an e-mail, the name he is counted by`)];
  const places = someOf(nameless.map((text) => text.slice(0, text.indexOf(": "))));
  return [
    problem(
      check,
      `${name}: users have no e-mail, so they are not counted and cannot be cut (${nameless.length}): ${places}`,
      'give each an "email" of his own in the config',
    ),
  ];
}

/** What the rest of the config's trouble is. */
export function judgeConfig({ settings: { name }, config, panel }: EngineFacts): Finding[] {
  const check = "xray-config";
  if (config.kind === "unread") return [unreadConfig(check, name, config)];
  const others = config.content.problems.filter((text) => !NAMELESS.test(text));
  return [
    ...(panel === undefined
      ? []
      : [
          warning(
            check,
            `${name}: ${panel} writes ${config.path} anew, so what is changed there does not last`,
            `change it in ${panel}; Sluice changes what it can at run time`,
          ),
        ]),
    ...(others.length === 0
      ? [ok(check, `${name}: ${config.path} is read whole`)]
      : others.map((text) =>
          warning(check, `${name}: ${config.path}: ${text}`, "put it right; the rest of the file is used"),
        )),
  ];
}

/** As engine-clients.ts says it of a client without a name. */
const NAMELESS = /: has no (?:email|user), so this user cannot be metered$/;

function unreadConfig(
  check: string,
  name: string,
  { why, denied }: { readonly why: string; readonly denied: boolean },
): Finding {
  return unseen(check, `${name}: ${why}`, denied ? "sudo sluice doctor" : "name the file as xray.config");
}
