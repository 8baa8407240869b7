/**
 * What Sluice asks of a server's management interface, whoever keeps the line.
 */
export interface Management {
  /** The server takes commands, and answers them in the order they were given. */
  readonly connected: boolean;
  /** Why it is not, or why the server serves nobody though it is (hold), in one sentence; undefined while all is well. */
  readonly trouble: string | undefined;
  /**
   * Sends one line and resolves with the answer's lines: one, "SUCCESS: ..." or
   * another, or those of a block without its END.
   *
   * @param text without its line end, at most 255 characters in a word.
   * @throws {UnreachableError} when the line is down, or goes down meanwhile.
   * @throws {RefusedCommandError} with the server's words when it answers "ERROR: ...".
   * @throws {RangeError} for a text that the server could not take as one command, or would not answer.
   */
  command(text: string, signal?: AbortSignal): Promise<readonly string[]>;
}

/** The server said no. */
export class RefusedCommandError extends Error {
  override readonly name = "RefusedCommandError";
  readonly code = "REFUSED_COMMAND";
}
