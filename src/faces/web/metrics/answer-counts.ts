/** How many requests were answered, by the class of their status. */
import type { MiddlewareHandler } from "hono";

const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

export class AnswerCounts {
  /** Since the start; every class is there. */
  readonly counts: ReadonlyMap<string, number>;
  readonly #counts: Map<string, number>;

  constructor() {
    this.#counts = new Map(CLASSES.map((each) => [each, 0]));
    this.counts = this.#counts;
  }

  /** Counts what the handlers behind it answer. */
  get middleware(): MiddlewareHandler {
    return async (context, next) => {
      await next();
      const status = `${Math.floor(context.res.status / 100)}xx`;
      this.#counts.set(status, (this.#counts.get(status) ?? 0) + 1);
    };
  }
}
