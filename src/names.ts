/**
 * The names that hold the program together, and their safe spelling on disk.
 *
 * User names come from engines and operators and may hold anything: spaces,
 * `>>>`, slashes, any script. They are compared exactly, never used as a
 * pattern, and reach a file system only through `fileNameOf()`.
 *
 * Pure: no clock, no I/O.
 */
declare const kind: unique symbol;
type Name<Kind extends string> = string & { readonly [kind]: Kind };

/** A user as a keeper names him, case kept: Xray's e-mail, a login, a common name. */
export type UserName = Name<"user">;
/** Where counters are kept: "xray", "ssh", "openvpn:server". */
export type KeeperName = Name<"keeper">;
/** One cumulative counter, unique across keepers: "xray:alice". */
export type CounterName = Name<"counter">;
/** One life of a keeper's counters: they started at zero when it began. */
export type Epoch = Name<"epoch">;

/** The longest user name accepted, in UTF-8 bytes. */
const LONGEST_NAME = 255;
/** The longest encoded file name accepted, so that name, suffix and temporary ending fit 255. */
const LONGEST_FILE_NAME = 200;

/**
 * @throws {RangeError} for an empty name, one over 255 bytes of UTF-8, or one
 * with a control character or half a surrogate pair (no engine's log or file
 * could carry those back unharmed).
 */
export function userName(text: string): UserName {
  const length = new TextEncoder().encode(text).length;
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  const control = /[\u0000-\u001f\u007f]/.exec(text);
  if (text === "" || length > LONGEST_NAME || control || !text.isWellFormed()) {
    const got = control ? `a control character at ${control.index}` : `${length} bytes`;
    throw new RangeError(
      `Cannot use ${JSON.stringify(text.slice(0, 80))} as a user name: expected 1 to ${LONGEST_NAME} bytes of UTF-8 without control characters, got ${got}`,
    );
  }
  return text as UserName;
}

export function keeperName(text: string): KeeperName {
  return text as KeeperName;
}

export function counterName(keeper: KeeperName, user: UserName): CounterName {
  return `${keeper}:${user}` as unknown as CounterName;
}

export function epochName(text: string): Epoch {
  return text as Epoch;
}

/**
 * The account file's name without ".json": bytes outside `[A-Za-z0-9._@-]`,
 * and a leading dot, are percent-encoded, so no name can leave its folder,
 * hide, or pass for another.
 *
 * @throws {RangeError} when the encoding passes 200 bytes.
 */
export function fileNameOf(user: UserName): string {
  const encoded = user.replace(/[^A-Za-z0-9._@-]|^\./gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
  if (encoded.length > LONGEST_FILE_NAME) {
    throw new RangeError(
      `Cannot keep a file for user "${user.slice(0, 80)}": its encoded name takes ${encoded.length} bytes, at most ${LONGEST_FILE_NAME} fit`,
    );
  }
  return encoded;
}
