/** Asks /api/v1. Addresses are relative to the document, which may be served below a prefix. */
import { signal } from "@preact/signals";
import type { ErrorBody } from "../wire.ts";

/** The server refused, or did not answer at all (`status` 0). */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** Of `ErrorBody`; "unreachable" when nothing answered. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Counts the answers that said "nobody is signed in". */
export const refusals = signal(0);

/** @param path below /api/v1, without a slash in front; its parts encoded. @throws {ApiError} */
export async function get<Body>(path: string, abort?: AbortSignal): Promise<Body> {
  return call<Body>("GET", path, undefined, abort);
}

/** @throws {ApiError} */
export async function order<Body>(
  method: "POST" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
): Promise<Body> {
  return call<Body>(method, path, body, undefined);
}

/** Where something of the API is, for links and sockets. */
export function addressOf(path: string): URL {
  return new URL(`api/v1/${path}`, document.baseURI);
}

/** "accounts", "bob smith" is "accounts/bob%20smith". */
export function pathOf(...parts: readonly (string | number)[]): string {
  return parts.map((part) => encodeURIComponent(part)).join("/");
}

async function call<Body>(
  method: string,
  path: string,
  body: unknown,
  abort: AbortSignal | undefined,
): Promise<Body> {
  const answer = await fetch(addressOf(path), {
    method,
    headers: {
      accept: "application/json",
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(abort ? { signal: abort } : {}),
  }).catch((error: unknown) => {
    if (abort?.aborted) throw error;
    throw new ApiError(0, "unreachable", "The dashboard's server does not answer");
  });
  const said: unknown = await answer.json().catch(() => undefined);
  if (answer.ok) return said as Body;
  if (answer.status === 401) refusals.value++;
  throw errorOf(answer, said as Partial<ErrorBody> | undefined);
}

/** Whatever stands between us and the server may answer in its own way. */
function errorOf(answer: Response, said: Partial<ErrorBody> | undefined): ApiError {
  const wait = Number(answer.headers.get("retry-after"));
  const message = said?.error?.message ?? `The server answered ${answer.status} ${answer.statusText}`;
  const later = answer.status === 429 && wait > 0 ? `${message}. Try again in ${wait} s` : message;
  return new ApiError(answer.status, said?.error?.code ?? "", later);
}
