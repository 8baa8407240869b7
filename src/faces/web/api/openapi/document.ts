/**
 * The API's document: OpenAPI 3.1.
 *
 * Pure: no clock, no I/O.
 */
import type { Shape } from "../input.ts";
import { BODIES } from "./bodies.ts";
import { LEGACY_BODIES } from "./legacy-bodies.ts";
import { LEGACY_OPERATIONS } from "./legacy-operations.ts";
import type { Answer, Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { named, type Schema } from "./schema.ts";
import { SESSION_OPERATIONS } from "./session-operations.ts";

/** In the order they are read. */
const ALL: readonly Operation[] = [...SESSION_OPERATIONS, ...OPERATIONS, ...LEGACY_OPERATIONS];

/** What each failure means; every body is an `ErrorBody`. */
const FAILURES: Readonly<Record<number, string>> = {
  400: "Not as expected: the message names what was expected and what was got",
  401: "Nobody is signed in, and no valid token was shown",
  403: "Somebody who may not do this, or a request from another origin",
  404: "There is no such account or token",
  408: "The request took too long to arrive",
  409: "It cannot be done as things stand: the message says why",
  413: "The body is too large",
  429: "Too often; Retry-After says when it may be tried again",
  500: "Something failed inside",
  503: "The daemon, or the capture, does not answer",
};

export function apiDocument(version: string): Schema {
  const paths = Object.groupBy(ALL, ({ path }) => path);
  return {
    openapi: "3.1.0",
    info: {
      title: "Sluice",
      version,
      description:
        "Bytes are whole numbers below 2^53, moments milliseconds since 1970, uplink is from the user. Who is signed in as a viewer sees clients' networks instead of their addresses.",
    },
    security: [{ cookie: [] }, { token: [] }],
    paths: Object.fromEntries(
      Object.entries(paths).map(([path, those = []]) => [
        path,
        {
          ...(path.includes("{") ? { parameters: pathParameters(path) } : {}),
          ...Object.fromEntries(those.map((operation) => [operation.method, operationObject(operation)])),
        },
      ]),
    ),
    components: {
      schemas: { ...BODIES, ...LEGACY_BODIES },
      responses: Object.fromEntries(
        Object.entries(FAILURES).map(([status, description]) => [
          `Failure${status}`,
          failure(status, description),
        ]),
      ),
      securitySchemes: {
        cookie: {
          type: "apiKey",
          in: "cookie",
          name: "sluice",
          description: 'Of a login; "__Host-sluice" over TLS. A write needs an Origin of this host beside it',
        },
        token: { type: "http", scheme: "bearer", description: "sluice token add NAME --scope read" },
      },
    },
  };
}

/** "GET /api/v1/accounts/{name}", of the whole document. */
export function documentedOperations(): readonly string[] {
  return ALL.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
}

function operationObject(operation: Operation): Schema {
  const { summary, right, query, body, answers } = operation;
  return {
    summary,
    ...securityOf(operation),
    ...(right === undefined
      ? {}
      : { description: right === "login" ? "Takes a login." : `Takes the right "${right}".` }),
    ...(query ? { parameters: queryParameters(query) } : {}),
    ...(body ? { requestBody: { required: true, content: { "application/json": { schema: body } } } } : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, answerObject(answer)]),
      ),
      ...Object.fromEntries(
        failuresOf(operation).map((status) => [status, { $ref: `#/components/responses/Failure${status}` }]),
      ),
    },
  };
}

/** No token does what is an admin's alone, or its own business. */
function securityOf({ right }: Operation): Schema {
  if (right === undefined) return { security: [] };
  return right === "admin" || right === "login" ? { security: [{ cookie: [] }] } : {};
}

function failuresOf({ right, method, query, body, answers, failures = [] }: Operation): readonly number[] {
  const all = [
    ...(query || body ? [400] : []),
    ...(right === undefined ? [] : [401, 403]),
    ...(method === "get" ? [] : [403, 408, 413]),
    ...[429, 500],
    ...failures,
  ];
  return [...new Set(all)].filter((status) => !(status in answers));
}

function answerObject({ description, types = [], schema }: Answer): Schema {
  if (types.length === 0) return { description };
  return { description, content: Object.fromEntries(types.map((type) => [type, schema ? { schema } : {}])) };
}

function queryParameters(shape: Shape): readonly Schema[] {
  return Object.entries(shape).map(([name, { schema, missing }]) => ({
    ...{ name, in: "query", schema },
    ...(missing ? {} : { required: true }),
  }));
}

function pathParameters(path: string): readonly Schema[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: "path", required: true, schema: { type: "string" } },
  }));
}

function failure(status: string, description: string): Schema {
  return {
    description,
    ...(status === "429"
      ? { headers: { "Retry-After": { description: "Seconds", schema: { type: "integer", minimum: 0 } } } }
      : {}),
    content: { "application/json": { schema: named("ErrorBody") } },
  };
}
