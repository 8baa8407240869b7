/** What goes wrong with a request, as the client hears it: a status, a word for programs and a sentence. */
import type { Context, ErrorHandler } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { RefusedRequestError, UnknownUserError, UnreachableError } from "../../../errors.ts";
import type { Viewer, WebEnv } from "../viewer.ts";
import type { ErrorBody } from "../wire.ts";
import { BadRequestError, type Read, readBody, readFields, type Shape } from "./input.ts";

interface Failure {
  readonly status: ContentfulStatusCode;
  readonly code: string;
}

/** What the daemon refuses is a matter of how things stand with it: 409. */
const FAILURES: readonly (readonly [new (...words: never[]) => Error, Failure])[] = [
  [BadRequestError, { status: 400, code: "refused" }],
  [UnknownUserError, { status: 404, code: "not_found" }],
  [RefusedRequestError, { status: 409, code: "refused" }],
  [UnreachableError, { status: 503, code: "unreachable" }],
];

/** @throws what is no failure of the request's: whoever put us together answers that, and logs it. */
export const answerFailure: ErrorHandler<WebEnv> = (error, context) => {
  const [, failure] = FAILURES.find(([kind]) => error instanceof kind) ?? [];
  if (!failure) throw error;
  return refuse(context, failure.status, failure.code, error.message);
};

const LONGEST_ACTOR = 64;

export function refuse(
  context: Context<WebEnv>,
  status: ContentfulStatusCode,
  code: string,
  message: string,
): Response {
  return context.json({ error: { code, message } } satisfies ErrorBody, status);
}

/** The parameters of the address. @throws {BadRequestError} */
export function queryOf<Of extends Shape>(context: Context<WebEnv>, shape: Of): Read<Of> {
  return readFields("the address", shape, context.req.query());
}

/** @throws {BadRequestError} */
export async function bodyOf<Of extends Shape>(context: Context<WebEnv>, shape: Of): Promise<Read<Of>> {
  return readBody(shape, await context.req.text());
}

/** Who asks. Only behind `needs()`, which lets nobody else through. */
export function viewerOf(context: Context<WebEnv>): Viewer {
  return context.get("viewer") as Viewer;
}

/** Whom the daemon puts an order down to: at most 64 characters, as it takes them; a token's name may be as long by itself. */
export function actorOf(context: Context<WebEnv>): string {
  const { name, scopes } = viewerOf(context);
  return scopes ? Array.from(`token ${name}`).slice(0, LONGEST_ACTOR).join("") : name;
}
