/**
 * The settings that the web may change: those that neither let somebody in, nor
 * move a file, nor change what a limit means.
 *
 * Pure: no clock, no I/O.
 */
import type { Settings } from "../config.ts";
import type { SettingRow } from "../control/rows.ts";

interface Changeable {
  readonly key: string;
  readonly about: string;
  /** As the settings file has it; undefined where its part is switched off. */
  readonly read: (settings: Settings) => unknown;
}

const AT_ONCE = "takes over at once";
const CAPTURE = "takes over when the host capture is restarted";
const WEB = "takes over when the dashboard is restarted";
const DAYS = `in days, 1 to 36500; ${AT_ONCE}`;

const CHANGEABLE: readonly Changeable[] = [
  {
    key: "warn_percent",
    about: `At how many percent of a limit a warning is noted: a list of whole numbers from 1 to 99; ${AT_ONCE}`,
    read: ({ warnPercent }) => warnPercent,
  },
  {
    key: "pace",
    about: `"adaptive" reads counters as often as limits need it, "every-tick" all of them at every tick; ${AT_ONCE}`,
    read: ({ pace }) => pace,
  },
  {
    key: "max_period_ms",
    about: `The longest that an engine goes unread, in milliseconds, a tick to 60000; ${AT_ONCE}`,
    read: ({ maxPeriod }) => maxPeriod,
  },
  {
    key: "history.minutes_days",
    about: `How long usage is kept by the minute, ${DAYS}`,
    read: ({ history }) => history?.minutesDays,
  },
  {
    key: "history.hours_days",
    about: `How long usage is kept by the hour, ${DAYS}`,
    read: ({ history }) => history?.hoursDays,
  },
  {
    key: "history.sessions_days",
    about: `How long logins are kept, ${DAYS}`,
    read: ({ history }) => history?.sessionsDays,
  },
  {
    key: "history.connections_days",
    about: `How long clients' addresses are kept, ${DAYS}`,
    read: ({ history }) => history?.connectionsDays,
  },
  {
    key: "history.events_days",
    about: `How long events are kept, ${DAYS}`,
    read: ({ history }) => history?.eventsDays,
  },
  {
    key: "connections.period_s",
    about: `How often connections are looked at, in seconds, 1 to 3600; ${AT_ONCE}`,
    read: ({ connections }) => connections && connections.period / 1000,
  },
  {
    key: "hosts.per_account",
    about: `Whether each account's hosts are kept too, true or false; ${CAPTURE}`,
    read: ({ hosts }) => hosts?.perAccount,
  },
  {
    key: "hosts.retention_days",
    about: `How long a host stays that nobody asks for any more, in days, 1 to 36500; ${CAPTURE}`,
    read: ({ hosts }) => hosts?.retentionDays,
  },
  {
    key: "web.metrics_users",
    about: `Whether /metrics names the users, true or false; ${WEB}`,
    read: ({ web }) => web?.metricsUsers,
  },
  {
    key: "web.idle_minutes",
    about: `After how long without a request a login ends, in minutes, 1 to 10080; ${WEB}`,
    read: ({ web }) => web && web.idle / 60_000,
  },
  {
    key: "web.longest_hours",
    about: `After how long a login ends in any case, in hours, 1 to 8760; ${WEB}`,
    read: ({ web }) => web && web.longest / 3_600_000,
  },
];

/** Those of parts that are switched on. @param defaults settings of an empty file. */
export function settingRows(settings: Settings, defaults: Settings): readonly SettingRow[] {
  return CHANGEABLE.flatMap(({ key, about, read }) => {
    const value = read(settings) ?? undefined;
    return value === undefined
      ? []
      : [{ key, about, value: JSON.stringify(value), fallback: JSON.stringify(read(defaults)) }];
  });
}
