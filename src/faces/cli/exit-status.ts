/** The exit status an error stands for: 1 failed, 2 wrong usage, 3 no such user, 4 engine or daemon unreachable. */
import { CommanderError } from "commander";
import {
  InvalidSettingsError,
  RefusedRequestError,
  StateInUseError,
  UnknownUserError,
  UnreachableError,
} from "../../errors.ts";

export const NO_SUCH_USER = 3;
export const NOT_REACHED = 4;

export function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof UnknownUserError) return NO_SUCH_USER;
  if (error instanceof UnreachableError || error instanceof StateInUseError) return NOT_REACHED;
  if (error instanceof RefusedRequestError || error instanceof InvalidSettingsError) return 2;
  if (error instanceof SyntaxError || error instanceof RangeError) return 2;
  return 1;
}
