/**
 * Signing in and out, tokens, live views, metrics and health.
 *
 * Pure: no clock, no I/O.
 */
import { oneOf, optional, text } from "../input.ts";
import { type Answer, json, type Operation } from "./operation.ts";
import { named, object } from "./schema.ts";

const GONE: Answer = { description: "Done" };
const LIVE = { view: oneOf("overview", "accounts", "account", "hosts"), name: optional(text()) };
const SIGN_IN = named("SignInBody");
const SIGNED_IN = named("SessionBody");
const LEGACY_SIGN_IN = named("LegacySignIn");

const REDIRECT: Answer = { description: "Signed out: back to the page" };

export const SESSION_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: "get", path: "/api/v1/setup", summary: "Whether somebody could sign in", right: undefined },
    answers: { 200: json(named("SetupBody")) },
  },
  {
    ...{ method: "get", path: "/api/v1/session", summary: "Who is signed in", right: "login" },
    answers: { 200: json(SIGNED_IN) },
  },
  {
    ...{ method: "post", path: "/api/v1/session", summary: "Signs in", right: undefined, body: SIGN_IN },
    ...{ answers: { 200: json(SIGNED_IN) }, failures: [401] },
  },
  {
    ...{ method: "delete", path: "/api/v1/session", summary: "Signs out", right: undefined },
    answers: { 204: GONE },
  },
  {
    ...{ method: "delete", path: "/api/v1/sessions", summary: "Signs out everywhere", right: "login" },
    answers: { 204: GONE },
  },
  {
    ...{ method: "get", path: "/api/v1/tokens", summary: "Tokens, without their secrets", right: "admin" },
    answers: { 200: json(named("TokensBody")) },
  },
  {
    ...{ method: "post", path: "/api/v1/tokens", summary: "Makes a token", right: "admin" },
    ...{ body: named("NewTokenBody"), answers: { 201: json(named("MadeTokenBody"), "Made") } },
  },
  {
    ...{ method: "delete", path: "/api/v1/tokens/{id}", summary: "Revokes a token", right: "admin" },
    ...{ answers: { 204: GONE }, failures: [404] },
  },
  {
    method: "get",
    path: "/api/v1/live",
    summary: "What a page looks at, once; over a WebSocket, all that comes. Hosts are for admins",
    ...{ right: "read", query: LIVE, answers: { 200: json(named("LiveMessage")) } },
  },
  {
    method: "get",
    path: "/metrics",
    summary: "Figures for Prometheus; from this host itself without names and without a token",
    right: "metrics",
    answers: {
      200: {
        description: "OpenMetrics, or the older text",
        types: ["text/plain", "application/openmetrics-text"],
      },
    },
  },
  {
    ...{ method: "get", path: "/healthz", summary: "The process is up", right: undefined },
    answers: { 200: json(object({ ok: { const: true } })) },
  },
  {
    ...{
      method: "get",
      path: "/readyz",
      summary: "The daemon answers and reads its counters",
      right: undefined,
    },
    answers: { 200: json(named("ReadyBody")), 503: json(named("ReadyBody"), "It does not") },
  },
  {
    ...{ method: "post", path: "/login", summary: "Signs in, as older dashboards have it", right: undefined },
    body: SIGN_IN,
    answers: {
      200: json(LEGACY_SIGN_IN),
      400: json(LEGACY_SIGN_IN, "No name or no password"),
      401: json(LEGACY_SIGN_IN, "Not signed in"),
      429: json(LEGACY_SIGN_IN, "Too often; Retry-After says when it may be tried again"),
    },
  },
  {
    ...{
      method: "get",
      path: "/logout",
      summary: "Signs out, as older dashboards have it",
      right: undefined,
    },
    answers: { 303: REDIRECT },
  },
  {
    ...{
      method: "post",
      path: "/logout",
      summary: "Signs out, as older dashboards have it",
      right: undefined,
    },
    answers: { 200: json(LEGACY_SIGN_IN) },
  },
];
