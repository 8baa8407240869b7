/**
 * The endpoints of older dashboards.
 *
 * Pure: no clock, no I/O.
 */
import { optional } from "../input.ts";
import { LEGACY_HOURS } from "../requests.ts";
import { json, type Operation } from "./operation.ts";
import { named } from "./schema.ts";

export const LEGACY_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: "get", path: "/api/stats", summary: "Clients, countries, traffic of the last hour" },
    ...{ right: "read", answers: { 200: json(named("LegacyStats")) } },
  },
  {
    ...{ method: "get", path: "/api/map-data", summary: "Where clients of the last 5 minutes are" },
    ...{ right: "read", answers: { 200: json(named("LegacyMapData")) } },
  },
  {
    method: "get",
    path: "/api/history",
    summary: "With hours: clients by the hour. Without: the OpenVPN sessions, the newest 2,000",
    right: "read",
    query: { hours: optional(LEGACY_HOURS.hours) },
    answers: { 200: json({ oneOf: [named("LegacyHours"), named("LegacySessions")] }) },
  },
  {
    ...{ method: "get", path: "/api/clients", summary: "OpenVPN logins that last", right: "read" },
    ...{ answers: { 200: json(named("LegacyClients")) }, failures: [503] },
  },
  {
    ...{ method: "get", path: "/api/clients/summary", summary: "All OpenVPN logins by name", right: "read" },
    ...{ answers: { 200: json(named("LegacySummary")) }, failures: [503] },
  },
  {
    ...{ method: "get", path: "/api/server-status", summary: "The OpenVPN server", right: "read" },
    ...{ answers: { 200: json(named("LegacyServerStatus")) }, failures: [503] },
  },
];
