/**
 * The accounts of a backup: one document a line, as in their files, checked to
 * the last before any of them is used.
 *
 * Pure: values in, values out.
 */
import { reasonOf } from "../../errors.ts";
import type { Account } from "../../ledger/account.ts";
import { fileNameOf } from "../../names.ts";
import { accountOf } from "../account-format.ts";

/** @throws {SyntaxError} naming the line that is no account, or is another's again. */
export function archivedAccounts(text: string): Account[] {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new SyntaxError("accounts.jsonl: the last line has no end");
  const names = new Set<string>();
  const numbers = new Set<number>();
  return lines.map((line, index) => {
    try {
      const account = accountOf(JSON.parse(line));
      fileNameOf(account.name);
      const { name, kernelNumber } = account;
      if (names.has(name)) throw new SyntaxError(`"${name}" is there twice`);
      if (kernelNumber > 0 && numbers.has(kernelNumber)) {
        throw new SyntaxError(`the kernel's number ${kernelNumber} is there twice`);
      }
      names.add(name);
      numbers.add(kernelNumber);
      return account;
    } catch (error) {
      throw new SyntaxError(`accounts.jsonl:${index + 1}: ${reasonOf(error)}`, { cause: error });
    }
  });
}
