/** The document is a valid one, tells of every route and of no other, and what the server answers is as it says. */
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { apiDocument, documentedOperations } from "../../../../src/faces/web/api/openapi/document.ts";
import { openStage, type Stage, type Who } from "./stage.ts";

interface DocumentedAnswer {
  readonly $ref?: string;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}
interface DocumentedOperation {
  readonly responses: Readonly<Record<string, DocumentedAnswer>>;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
}
type Paths = Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;

const DOCUMENT = apiDocument("0.1.0") as {
  readonly paths: Paths;
  readonly components: { readonly responses: Readonly<Record<string, DocumentedAnswer>> };
};
/** What the server's other parts answer. */
const ELSEWHERE = /^\w+ \/(?:api\/v1\/(?:session|setup|tokens|live)|login|logout|metrics|healthz|readyz)/;
const OWN = documentedOperations().filter(
  (operation) => operation === "GET /api/v1/sessions" || !ELSEWHERE.test(operation),
);
const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictTuples: false });

let stage: Stage;

beforeAll(async () => {
  stage = await openStage({ may_delete: true });
  ajv.addVocabulary(Object.keys(DOCUMENT));
  ajv.addSchema(DOCUMENT, "api");
});
afterAll(async () => stage[Symbol.asyncDispose]());
beforeEach(() => {
  Object.assign(stage.away, { daemon: false, capture: false, history: false });
});

test("is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(
    JSON.parse(JSON.stringify(DOCUMENT)) as Record<string, unknown>,
  );
  expect(errors).toBeUndefined();
  expect({ valid, version: validator.version }).toEqual({ valid: true, version: "3.1" });
});

test("tells of every route of the API, and of no other", () => {
  const routes = stage.routes.routes
    .filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  expect([...new Set(routes)].sort()).toEqual([...OWN].sort());
});

test("is served to whoever may read", async () => {
  const answer = await stage.ask("reader", "/api/openapi.json");
  expect(await answer.json()).toMatchObject({ openapi: "3.1.0", info: { title: "Sluice" } });
});

describe("what the server answers is as the document says", () => {
  const ALICE = "/api/v1/accounts/alice";
  const each: [who: Who, method: string, path: string, sent?: unknown][] = [
    ["viewer", "GET", "/api/v1/overview"],
    ["viewer", "GET", "/api/v1/accounts"],
    ["viewer", "GET", ALICE],
    ["viewer", "GET", `${ALICE}/usage`],
    ["viewer", "GET", "/api/v1/usage?range=30d"],
    ["viewer", "GET", "/api/v1/events"],
    ["viewer", "GET", "/api/v1/sessions"],
    ["viewer", "GET", "/api/v1/sessions?live=1"],
    ["admin", "GET", "/api/v1/connections?by=city"],
    ["viewer", "GET", "/api/v1/connections/history"],
    ["admin", "GET", "/api/v1/hosts"],
    ["admin", "GET", "/api/v1/hosts/export"],
    ["admin", "GET", "/api/v1/hosts/export?format=csv"],
    ["viewer", "GET", "/api/v1/server"],
    ["viewer", "GET", "/api/v1/findings"],
    ["admin", "POST", "/api/v1/findings"],
    ["admin", "GET", "/api/v1/settings"],
    ["admin", "PATCH", "/api/v1/settings", { changes: [{ key: "warn_percent", value: "[70]" }] }],
    ["admin", "POST", "/api/v1/accounts", { name: "new", totalBytes: 1, period: "30d" }],
    ["admin", "POST", "/api/v1/accounts", { name: "alice" }],
    ["admin", "POST", "/api/v1/accounts", { name: 1 }],
    ["admin", "PATCH", ALICE, { totalBytes: 5, confirm: true }],
    ["admin", "PATCH", ALICE, { totalBytes: -5 }],
    ["admin", "PATCH", "/api/v1/accounts/nobody", { dailyBytes: 5 }],
    ["admin", "POST", `${ALICE}/disable`],
    ["admin", "POST", `${ALICE}/enable`],
    ["admin", "POST", `${ALICE}/reset`],
    ["admin", "POST", `${ALICE}/kick`],
    ["viewer", "POST", `${ALICE}/kick`],
    ["admin", "DELETE", "/api/v1/accounts/new", { confirm: "new" }],
    ["nobody", "DELETE", "/api/v1/accounts/new", { confirm: "new" }],
    ["reader", "GET", "/api/openapi.json"],
    ["reader", "GET", "/api/stats"],
    ["reader", "GET", "/api/map-data"],
    ["reader", "GET", "/api/history"],
    ["reader", "GET", "/api/history?hours=24"],
    ["reader", "GET", "/api/history?hours=0"],
    ["reader", "GET", "/api/clients"],
    ["reader", "GET", "/api/clients/summary"],
    ["reader", "GET", "/api/server-status"],
  ];

  test.each(each)("to %s: %s %s %j", async (who, method, path, sent) => {
    const answer = await stage.send(who, method, path, sent);
    await expectDocumented(answer, method, path);
    // A body that is taken is one that the document lets pass, and the other way round.
    const body = operationOf(method, path)[1].requestBody?.content["application/json"]?.schema;
    if (body) expect(ajv.compile(body)(sent)).toBe(answer.status !== 400);
  });

  test("each operation was asked for", () => {
    const asked = new Set(each.map(([, method, path]) => `${method} ${operationOf(method, path)[0]}`));
    expect(OWN.filter((operation) => !asked.has(operation))).toEqual([]);
  });

  test.each(each.filter(([, method]) => method === "GET"))(
    "to %s without a daemon, a capture and a history: %s %s",
    async (who, method, path) => {
      Object.assign(stage.away, { daemon: true, capture: true, history: true });
      await expectDocumented(await stage.ask(who, path), method, path);
    },
  );
});

async function expectDocumented(answer: Response, method: string, path: string): Promise<void> {
  const [, { responses }] = operationOf(method, path);
  const told = responses[answer.status];
  expect(Object.keys(responses), `the status of ${method} ${path}`).toContain(String(answer.status));
  const failure = DOCUMENT.components.responses[told?.$ref?.split("/").at(-1) ?? ""];
  const { content = {} } = failure ?? told ?? {};
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "none";
  expect(Object.keys(content).length > 0 ? Object.keys(content) : ["none"]).toContain(type);
  const schema = content[type]?.schema;
  if (!schema) return;
  const validate = ajv.compile(inDocument(schema));
  const body: unknown = await answer.json();
  expect({ valid: validate(body), errors: validate.errors, body }).toMatchObject({ valid: true });
}

/** The path as the document has it, and what it says there. */
function operationOf(method: string, path: string): readonly [string, DocumentedOperation] {
  const asked = path.replace(/\?.*/, "");
  const found = Object.keys(DOCUMENT.paths)
    .toSorted((one, other) => one.split("{").length - other.split("{").length)
    .find((template) => new RegExp(`^${template.replace(/\{\w+\}/g, "[^/]+")}$`).test(asked));
  const operation = DOCUMENT.paths[found ?? ""]?.[method.toLowerCase()];
  if (found === undefined || !operation) throw new Error(`The document does not tell of ${method} ${asked}`);
  return [found, operation];
}

/** "#/..." there is the document's root. */
function inDocument(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object;
}
