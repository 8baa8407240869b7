/** Random tokens: shown once, and kept as a digest alone. */
import { createHash, randomBytes } from "node:crypto";

/** What a program's token begins with, so that people and scanners know it for one. */
export const TOKEN_PREFIX = "slu_";

/** 256 bits, in 43 letters that stand in a cookie and a header as they are. */
export function newSecret(): string {
  return randomBytes(32).toString("base64url");
}

/** Without salt and stretching: nobody guesses 256 bits, and every request needs it. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
