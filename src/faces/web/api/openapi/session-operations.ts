/**
 * Signing in and out, tokens, live views, metrics and health.
 *
 * Pure: no clock, no I/O.
 */
import { oneOf, optional, text } from "../input.ts";
import { type Answer, json, type Operation } from "./operation.ts";
import { named, type Schema } from "./schema.ts";

const GONE: Answer = { description: "Done" };
const LIVE = { view: oneOf("overview", "accounts", "account", "hosts", "none"), name: optional(text()) };
const SIGN_IN = named("SignInBody");
const SIGNED_IN: Schema = named("SessionBody");

export const SESSION_OPERATIONS: readonly Operation[] = [
  {
    ...{ method: "get", path: "/api/v1/setup", summary: "Whether somebody could sign in", right: undefined },
    answers: { 200: json(named("SetupBody")) },
  },
  {
    ...{ method: "get", path: "/api/v1/session", summary: "Who is signed in", right: "read" },
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
    ...{ method: "delete", path: "/api/v1/sessions", summary: "Signs out everywhere", right: "read" },
    answers: { 204: GONE },
  },
  {
    ...{ method: "get", path: "/api/v1/tokens", summary: "Tokens, without their secrets", right: "admin" },
    answers: { 200: json(named("TokensBody")) },
  },
  {
    ...{ method: "post", path: "/api/v1/tokens", summary: "Makes a token", right: "admin" },
    ...{
      body: named("NewTokenBody"),
      answers: { 201: json(named("MadeTokenBody"), "Made") },
      failures: [409],
    },
  },
  {
    ...{ method: "delete", path: "/api/v1/tokens/{id}", summary: "Revokes a token", right: "admin" },
    ...{ answers: { 204: GONE }, failures: [404] },
  },
  {
    method: "get",
    path: "/api/v1/live",
    summary: "What a page looks at, once; over a WebSocket, all that comes",
    ...{ right: "read", query: LIVE, answers: { 200: json(named("LiveMessage")) } },
  },
  {
    ...{ method: "get", path: "/metrics", summary: "Figures for Prometheus", right: "metrics" },
    answers: { 200: { description: "OpenMetrics, or the older text", type: "text/plain" } },
  },
  {
    ...{ method: "get", path: "/healthz", summary: "The process is up", right: undefined },
    answers: { 200: { description: "It is", type: "text/plain" } },
  },
  {
    ...{ method: "get", path: "/readyz", summary: "The daemon answers", right: undefined },
    answers: {
      200: { description: "It does", type: "application/json", schema: { type: "object" } },
      503: { description: "It does not", type: "application/json", schema: { type: "object" } },
    },
  },
  {
    ...{ method: "post", path: "/login", summary: "Signs in, as older dashboards have it", right: undefined },
    body: SIGN_IN,
    answers: { 200: json(named("LegacySignIn")), 401: json(named("LegacySignIn"), "Not signed in") },
  },
  {
    ...{
      method: "get",
      path: "/logout",
      summary: "Signs out, as older dashboards have it",
      right: undefined,
    },
    answers: { 200: json(named("LegacySignIn")) },
  },
  {
    ...{
      method: "post",
      path: "/logout",
      summary: "Signs out, as older dashboards have it",
      right: undefined,
    },
    answers: { 200: json(named("LegacySignIn")) },
  },
];
