/**
 * What a client may ask, and what it hears.
 *
 * Pure: no clock, no I/O.
 */
import type { Right } from "../../viewer.ts";
import type { Shape } from "../input.ts";
import type { Schema } from "./schema.ts";

export interface Operation {
  readonly method: "get" | "post" | "patch" | "delete";
  /** As OpenAPI writes it: "/api/v1/accounts/{name}". */
  readonly path: string;
  readonly summary: string;
  /** "login" is whoever is signed in with a cookie; undefined whoever asks. */
  readonly right: Right | "login" | undefined;
  readonly query?: Shape;
  readonly body?: Schema;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Further ones than those of everybody: 404 and 409, 503 where the daemon is asked. */
  readonly failures?: readonly number[];
}

export interface Answer {
  readonly description: string;
  /** None: without a body. */
  readonly types?: readonly string[];
  /** Of JSON. */
  readonly schema?: Schema;
}

/** An answer in JSON. */
export function json(schema: Schema, description = "Done"): Answer {
  return { description, types: ["application/json"], schema };
}
