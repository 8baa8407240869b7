/**
 * What can go wrong, one class per thing a caller can do about it.
 *
 * `code` is stable and for programs, the message is for people: action, object,
 * colon, reason. The original error is always kept as `cause`.
 */

/** A counter source did not answer. Retry when it is due again; book nothing. */
export class SourceUnavailableError extends Error {
  override readonly name = "SourceUnavailableError";
  readonly code = "SOURCE_UNAVAILABLE";
  readonly source: string;

  constructor(source: string, cause: unknown) {
    super(`Cannot read counters from ${source}: ${reasonOf(cause)}`, { cause });
    this.source = source;
  }
}

/** A settings file cannot be used. Nothing starts; every problem is named. */
export class InvalidSettingsError extends Error {
  override readonly name = "InvalidSettingsError";
  readonly code = "INVALID_SETTINGS";
  readonly problems: readonly string[];

  constructor(path: string, problems: readonly string[]) {
    super(`Cannot use the settings in "${path}": ${problems.join("; ")}`);
    this.problems = problems;
  }
}

/** A saved file does not parse or is of a newer version. Leave it alone, say so, never start over at zero. */
export class DamagedStateError extends Error {
  override readonly name = "DamagedStateError";
  readonly code = "DAMAGED_STATE";
  readonly path: string;

  constructor(path: string, reason: string, cause?: unknown) {
    super(`Cannot read the state in "${path}": ${reason}`, { cause });
    this.path = path;
  }
}

/** A request names a user nobody knows. Exit status 3. */
export class UnknownUserError extends Error {
  override readonly name = "UnknownUserError";
  readonly code = "UNKNOWN_USER";

  constructor(user: string) {
    super(`Cannot find user "${user}": no account and no engine has that name`);
  }
}

/** A request cannot be carried out as it was put. Say why; exit status 2. */
export class RefusedRequestError extends Error {
  override readonly name = "RefusedRequestError";
  readonly code = "REFUSED";
}

/** An engine or the daemon cannot be reached. Exit status 4. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
  readonly code = "UNREACHABLE";
}

/** Another process holds the state folder. Wait, or ask it through its socket. */
export class StateInUseError extends Error {
  override readonly name = "StateInUseError";
  readonly code = "STATE_IN_USE";

  constructor(directory: string) {
    super(`Cannot take the state in "${directory}": another Sluice holds its lock`);
  }
}

/** A part of the kernel or the native module is missing. The message names it and what would lift it. */
export class KernelUnavailableError extends Error {
  override readonly name = "KernelUnavailableError";
  readonly code = "KERNEL_UNAVAILABLE";
}

/** The message of whatever was thrown, for the tail of another message. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's error code ("ENOSPC"), if the error carries one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** What was asked of a file, or undefined where there is none (ENOENT, ENOTDIR); every other failure stays one. */
export async function unlessMissing<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
