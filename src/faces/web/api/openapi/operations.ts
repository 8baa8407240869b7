/**
 * Every operation of /api/v1 that asks the daemon, the history or the capture.
 *
 * Pure: no clock, no I/O.
 */
import { schemaOf } from "../input.ts";
import {
  ACCOUNT_LIST,
  CONNECTION_HOURS,
  CONNECTIONS,
  DELETION,
  EVENTS,
  HOST_EXPORT,
  HOST_LIST,
  LIMITS,
  NEW_ACCOUNT,
  SESSIONS,
  SETTINGS,
  USAGE,
} from "../requests.ts";
import { json, type Operation } from "./operation.ts";
import { named } from "./schema.ts";

const ACCOUNT = { 200: json(named("AccountBody")) };
const ORDER_FAILURES = [404, 409, 503];

/** An order to an account without a body. */
function order(word: string, summary: string): Operation {
  return {
    ...{ method: "post", path: `/api/v1/accounts/{name}/${word}`, summary, right: "write" },
    ...{ answers: ACCOUNT, failures: ORDER_FAILURES },
  };
}

export const OPERATIONS: readonly Operation[] = [
  {
    ...{
      method: "get",
      path: "/api/v1/overview",
      summary: "Totals, rates, who is near a limit",
      right: "read",
    },
    ...{ answers: { 200: json(named("Overview")) }, failures: [503] },
  },
  {
    ...{ method: "get", path: "/api/v1/accounts", summary: "Accounts, by a filter", right: "read" },
    ...{ query: ACCOUNT_LIST, answers: { 200: json(named("AccountsBody")) }, failures: [503] },
  },
  {
    ...{ method: "post", path: "/api/v1/accounts", summary: "Makes an account", right: "write" },
    ...{ body: schemaOf(NEW_ACCOUNT), answers: { 201: json(named("AccountBody"), "Made") } },
    failures: [409, 503],
  },
  {
    ...{ method: "get", path: "/api/v1/accounts/{name}", summary: "One account, whole", right: "read" },
    ...{ answers: ACCOUNT, failures: [404, 503] },
  },
  {
    ...{
      method: "patch",
      path: "/api/v1/accounts/{name}",
      summary: "Changes limits and period",
      right: "write",
    },
    ...{ body: schemaOf(LIMITS), answers: ACCOUNT, failures: ORDER_FAILURES },
  },
  order("reset", "Begins a new period: usage 0"),
  order("disable", "Denies him everything"),
  order("enable", "Lets him in again"),
  {
    ...order("kick", "Ends his OpenVPN logins"),
    answers: { 200: json(named("KickBody")) },
  },
  {
    method: "delete",
    path: "/api/v1/accounts/{name}",
    summary: "Deletes the account, with his login unless it is to be kept; only with web.may_delete",
    ...{ right: "write", body: schemaOf(DELETION), answers: { 204: { description: "Deleted" } } },
    failures: ORDER_FAILURES,
  },
  {
    ...{ method: "get", path: "/api/v1/accounts/{name}/usage", summary: "His chart", right: "read" },
    ...{ query: USAGE, answers: { 200: json(named("UsageBody")) } },
  },
  {
    ...{ method: "get", path: "/api/v1/usage", summary: "The chart of all together", right: "read" },
    ...{ query: USAGE, answers: { 200: json(named("UsageBody")) } },
  },
  {
    ...{ method: "get", path: "/api/v1/events", summary: "What happened, newest first", right: "read" },
    ...{ query: EVENTS, answers: { 200: json(named("EventsBody")) } },
  },
  {
    ...{ method: "get", path: "/api/v1/sessions", summary: "Logins, those that last or those that were" },
    ...{ right: "read", query: SESSIONS, answers: { 200: json(named("SessionsBody")) }, failures: [503] },
  },
  {
    ...{ method: "get", path: "/api/v1/connections", summary: "Where clients come from now", right: "read" },
    ...{ query: CONNECTIONS, answers: { 200: json(named("ConnectionsBody")) } },
  },
  {
    ...{ method: "get", path: "/api/v1/connections/history", summary: "How many they were, by the hour" },
    ...{ right: "read", query: CONNECTION_HOURS, answers: { 200: json(named("ConnectionHoursBody")) } },
  },
  {
    ...{ method: "get", path: "/api/v1/hosts", summary: "Captured hosts, newest first", right: "admin" },
    ...{ query: HOST_LIST, answers: { 200: json(named("HostsBody")) }, failures: [409] },
  },
  {
    ...{ method: "get", path: "/api/v1/hosts/export", summary: "Captured hosts as a file", right: "admin" },
    query: HOST_EXPORT,
    answers: { 200: { description: "As hosts.log has them, or as CSV", types: ["text/plain", "text/csv"] } },
    failures: [409, 503],
  },
  {
    ...{ method: "get", path: "/api/v1/server", summary: "The host, the daemon, versions", right: "read" },
    answers: { 200: json(named("ServerBody")) },
  },
  {
    ...{ method: "get", path: "/api/v1/findings", summary: "What doctor found last", right: "read" },
    ...{ answers: { 200: json(named("FindingsBody")) }, failures: [503] },
  },
  {
    ...{ method: "post", path: "/api/v1/findings", summary: "Has doctor look anew", right: "write" },
    ...{ answers: { 200: json(named("FindingsBody")) }, failures: [503] },
  },
  {
    ...{
      method: "get",
      path: "/api/v1/settings",
      summary: "Settings that may be changed here",
      right: "admin",
    },
    ...{ answers: { 200: json(named("SettingsBody")) }, failures: [503] },
  },
  {
    ...{ method: "patch", path: "/api/v1/settings", summary: "Changes them, all or none", right: "admin" },
    ...{ body: schemaOf(SETTINGS), answers: { 200: json(named("SettingsBody")) }, failures: [409, 503] },
  },
  {
    ...{ method: "get", path: "/api/openapi.json", summary: "This document", right: "read" },
    answers: { 200: json({ type: "object" }) },
  },
];
