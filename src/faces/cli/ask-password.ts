/** A password from whoever runs a command: typed twice without showing, piped in, or made. */
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { RefusedRequestError } from "../../errors.ts";
import { passwordFault } from "../web/auth/password-hash.ts";
import type { PasswordOptions } from "./web-command-line.ts";

/** 120 bits, in 20 letters. */
const GENERATED_BYTES = 15;
const MOST_PIPED = 4_096;

/**
 * @returns undefined for `made` unless it was made here, and has to be said.
 * @throws {RefusedRequestError} for one that will not do, and where nobody can be asked.
 */
export async function newPassword(
  name: string,
  options: PasswordOptions,
): Promise<{ readonly password: string; readonly made: boolean }> {
  if (options.generate) return { password: randomBytes(GENERATED_BYTES).toString("base64url"), made: true };
  const password = options.passwordStdin ? await pipedLine() : await typedTwice(name);
  const fault = passwordFault(password);
  if (fault !== undefined) throw new RefusedRequestError(`Cannot use the password: ${fault}`);
  return { password, made: false };
}

async function pipedLine(): Promise<string> {
  let text = "";
  for await (const part of process.stdin.setEncoding("utf8")) {
    text += String(part);
    if (text.includes("\n") || text.length > MOST_PIPED) break;
  }
  return text.split(/\r?\n/, 1)[0] ?? "";
}

async function typedTwice(name: string): Promise<string> {
  if (!process.stdin.isTTY)
    throw new RefusedRequestError(
      "Cannot ask for a password: expected a terminal, --password-stdin or --generate",
    );
  const first = await typed(`Password for ${name}: `);
  if ((await typed("The same again: ")) === first) return first;
  throw new RefusedRequestError("Cannot use the password: expected the same one twice, got two");
}

/** Readline takes the keys one by one and would show them; what it shows goes nowhere. */
async function typed(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const asking = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  const left = new Promise<undefined>((resolve) => asking.once("close", () => resolve(undefined)));
  try {
    const answered = await Promise.race([asking.question(""), left]);
    if (answered === undefined) throw new RefusedRequestError("Cannot use the password: none was given");
    return answered;
  } finally {
    asking.close();
    process.stderr.write("\n");
  }
}
