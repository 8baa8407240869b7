/** Bodies of requests, read and checked by who awaits them. */
import type { Context } from "hono";

/** The object that was sent; undefined for anything else. Rejects when the client goes away meanwhile. */
export async function jsonObject(context: Context): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await context.req.text();
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null && !Array.isArray(body)
      ? (body as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

export function badBody(context: Context, expected: string): Response {
  return context.json({ error: { code: "refused", message: `Expected ${expected}` } }, 400);
}
