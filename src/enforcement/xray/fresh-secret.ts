/** Secrets that nobody knows, in the form each protocol's engine accepts. */
import { randomBytes, randomUUID } from "node:crypto";
import type { SecretKind } from "./config-secrets.ts";

/** From the system's random source; at least 122 random bits, so no two are ever the same. */
export function freshSecret(kind: SecretKind): string {
  switch (kind) {
    case "uuid":
      return randomUUID();
    case "password":
      return randomBytes(16).toString("hex");
    case "key-16":
      return randomBytes(16).toString("base64");
    case "key-32":
      return randomBytes(32).toString("base64");
    default:
      return kind satisfies never;
  }
}
