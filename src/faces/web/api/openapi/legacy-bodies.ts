/**
 * The bodies of the endpoints of older dashboards, as schemas.
 *
 * Pure: no clock, no I/O.
 */
import { count, flag, list, number, object, orNull, type Schema, text, words } from "./schema.ts";

const TIME = { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d$" };
const DURATION = { type: "string", pattern: "^(\\d+ days?, )?\\d+:\\d\\d:\\d\\d$" };
const GIB = { ...number("GiB, three decimals"), minimum: 0 };
const MIB = { ...number("MiB, two decimals"), minimum: 0 };
const PORT = text('"" where it is not known');
const TUNNEL = { vpn_ip: orNull(text()), vpn_ipv4: orNull(text()), vpn_ipv6: orNull(text()) };

export const LEGACY_BODIES: Readonly<Record<string, Schema>> = {
  LegacyStats: object({
    active_connections: count("Client addresses of the last 30 s"),
    top_countries: list(object({ country: text(), count: count() }), { maxItems: 10 }),
    ...{ bytes_received: count("In the last hour"), bytes_sent: count("In the last hour") },
  }),
  LegacyMapData: object({
    markers: list(
      object({ ip: text(), country: text(), city: text(), lat: number(), lon: number(), count: count() }),
    ),
  }),
  LegacyHours: object({
    history: list(
      object({
        hour: { type: "string", pattern: "^\\d{4}-\\d\\d-\\d\\d \\d\\d:00:00$" },
        ...{ unique_ips: count(), total: count() },
      }),
    ),
  }),
  LegacySessions: list(
    object({
      ...{ timestamp: TIME, name: text(), ip: text(), session_id: text(), rx: orNull(MIB), tx: orNull(MIB) },
      ...{ vpn_ip: text(), vpn_ipv4: text(), vpn_ipv6: text(), port: PORT },
      ...{ session_end: orNull(TIME), duration: orNull(DURATION) },
    }),
    { description: "Each session twice: when it began, and when it ended" },
  ),
  LegacyClients: object({
    clients: list(
      object({
        ...{ common_name: text(), real_ip: text(), port: PORT, bytes_received: count(), bytes_sent: count() },
        ...{ connected_since: TIME, time_online: DURATION, ...TUNNEL },
      }),
    ),
  }),
  LegacySummary: object({
    clients: list(
      object(
        {
          ...{ name: text(), is_online: flag(), sessions: count(), total_duration_seconds: count() },
          ...{ total_duration_human: DURATION, total_rx_gb: GIB, total_tx_gb: GIB, last_seen: orNull(TIME) },
        },
        {
          current_session: object({
            ...{ connected_since: TIME, time_online: DURATION, ip: text(), port: PORT, ...TUNNEL },
            ...{ bytes_received_gb: GIB, bytes_sent_gb: GIB },
          }),
        },
      ),
    ),
  }),
  LegacyServerStatus: object(
    {
      ...{ status: words("CONNECTED", "DISCONNECTED", "Unknown"), local_ip: text(), public_ip: text() },
      ...{ pingable: flag(), mode: { const: "server" }, clients: count(), total_rx: MIB, total_tx: MIB },
    },
    { uptime: { ...TIME, description: "When the server began, where that is known" } },
  ),
  LegacySignIn: object({ success: flag() }, { error: text() }),
};
