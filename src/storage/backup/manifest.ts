/**
 * The first file of an archive: its version, and every other file with size and
 * digest, so that an archive is known for whole before anything of it is used.
 *
 * Pure: no clock, no I/O.
 */
export interface ArchivedFile {
  /** "hosts/hosts.log": the part's name, and the file's. */
  readonly name: string;
  readonly size: number;
  /** Of the content, in hexadecimal. */
  readonly sha256: string;
}

export interface Manifest {
  /** The Sluice that made it. */
  readonly madeBy: string;
  /** "2026-11-21T14:00:00.000Z". */
  readonly made: string;
  readonly host: string;
  readonly accounts: number;
  readonly files: readonly ArchivedFile[];
}

export const MANIFEST = "manifest.json";
/** The newest form that this program writes and reads. */
const BACKUP_VERSION = 1;
/** A part and a file in it: nothing that could lead anywhere else. */
const NAME = /^[a-z]+\/(?!\.)[A-Za-z0-9._-]{1,80}$/;

export function manifestText({ madeBy, made, host, accounts, files }: Manifest): string {
  const document = { sluice_backup: BACKUP_VERSION, made_by: madeBy, made, host, accounts, files };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** @throws {SyntaxError | TypeError | RangeError} when it is of a newer version, or no manifest. */
export function manifestOf(text: string): Manifest {
  const { sluice_backup: version, made_by: madeBy, made, host, accounts, files } = fieldsOf(JSON.parse(text));
  if (!isCount(version)) throw new TypeError("expected a backup of Sluice");
  if (version > BACKUP_VERSION) {
    throw new RangeError(
      `expected a backup of version ${BACKUP_VERSION} or lower, got ${version} (made by a newer Sluice)`,
    );
  }
  if (
    typeof madeBy !== "string" ||
    typeof made !== "string" ||
    typeof host !== "string" ||
    !isCount(accounts)
  ) {
    throw new TypeError("expected made_by, made, host and accounts in its manifest");
  }
  if (!Array.isArray(files)) throw new TypeError("expected a list of files in its manifest");
  const archived = files.map(fileOf);
  const names = new Set(archived.map(({ name }) => name));
  if (names.size < archived.length) throw new TypeError("expected each file once in its manifest");
  return { madeBy, made, host, accounts, files: archived };
}

function fileOf(value: unknown): ArchivedFile {
  const { name, size, sha256 } = fieldsOf(value);
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new TypeError(
      `expected names such as "hosts/hosts.log" in its manifest, got ${JSON.stringify(name)}`,
    );
  }
  if (!isCount(size) || typeof sha256 !== "string") {
    throw new TypeError(`expected size and digest of "${name}" in its manifest`);
  }
  return { name, size, sha256 };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw new TypeError("expected an object in its manifest");
}
