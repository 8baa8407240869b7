/**
 * A backup as a file: a compressed tar archive that any tar opens, readable by
 * its owner alone.
 *
 * Written whole or not at all. Read into a folder of its own and checked there,
 * file by file, against the manifest in front, before anything is made of it.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rename, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { RefusedRequestError, reasonOf } from "../../errors.ts";
import { syncFolder } from "../durable-write.ts";
import { type ArchivedFile, MANIFEST, type Manifest, manifestOf, manifestText } from "./manifest.ts";
import { TAR_BLOCK, tarFileOf, tarHeader, tarPadding } from "./tar-header.ts";

/** Readable by its owner alone: it holds secrets of users and engines. */
const MODE = 0o600;
const LONGEST_MANIFEST = 1 << 20;
/** "/" is no part of a file's name. */
const stagedName = (name: string) => name.replace("/", "+");

/** Where a file of an archive lies while it is made or checked. */
export function stagedPath(folder: string, name: string): string {
  return join(folder, stagedName(name));
}

/**
 * Puts an archive of staged files at `path`, in the place of one that is there.
 *
 * @param folder holds the files under `stagedPath`; on the file system of `path`.
 * @throws the system's error; what was at `path` still is.
 */
export async function writeArchive(path: string, folder: string, manifest: Manifest): Promise<void> {
  const temporary = join(folder, "archive");
  await pipeline(
    Readable.from(tarOf(folder, manifest), { objectMode: false }),
    createGzip(),
    createWriteStream(temporary, { mode: MODE, flags: "wx", flush: true }),
  );
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Size and digest of a staged file. */
export async function archivedFile(folder: string, name: string): Promise<ArchivedFile> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of createReadStream(stagedPath(folder, name)) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { name, size, sha256: hash.digest("hex") };
}

/**
 * Unpacks an archive into `folder`, which is the caller's to remove.
 *
 * @throws {RefusedRequestError} for one that is cut off, changed, of a newer
 * version or no backup at all, or larger than there is room.
 */
export async function readArchive(path: string, folder: string): Promise<Manifest> {
  try {
    return await pipeline(createReadStream(path), createGunzip(), (unpacked: AsyncIterable<Buffer>) =>
      unpack(new Bytes(unpacked), folder),
    );
  } catch (error) {
    throw new RefusedRequestError(`Cannot use "${path}" as a backup: ${reasonOf(error)}`, { cause: error });
  }
}

async function* tarOf(folder: string, manifest: Manifest): AsyncGenerator<Buffer> {
  const mtime = Date.parse(manifest.made) / 1000;
  const text = Buffer.from(manifestText(manifest));
  yield tarHeader({ name: MANIFEST, size: text.length }, mtime);
  yield Buffer.concat([text, Buffer.alloc(tarPadding(text.length))]);
  for (const file of manifest.files) {
    yield tarHeader(file, mtime);
    yield* createReadStream(stagedPath(folder, file.name)) as AsyncIterable<Buffer>;
    yield Buffer.alloc(tarPadding(file.size));
  }
  yield Buffer.alloc(2 * TAR_BLOCK);
}

async function unpack(bytes: Bytes, folder: string): Promise<Manifest> {
  const first = tarFileOf(await bytes.take(TAR_BLOCK));
  if (first?.name !== MANIFEST || first.size > LONGEST_MANIFEST) {
    throw new SyntaxError(`expected a backup of Sluice, with ${MANIFEST} in front`);
  }
  const manifest = manifestOf((await bytes.take(first.size)).toString("utf8"));
  await bytes.take(tarPadding(first.size));
  await requireRoom(folder, manifest);
  for (const file of manifest.files) {
    const found = tarFileOf(await bytes.take(TAR_BLOCK));
    if (found?.name !== file.name || found.size !== file.size) {
      throw new SyntaxError(
        `expected "${file.name}" of ${file.size} bytes, got ${found ? `${JSON.stringify(found.name)} of ${found.size}` : "its end"}`,
      );
    }
    await unpackFile(bytes, folder, file);
    await bytes.take(tarPadding(file.size));
  }
  if (tarFileOf(await bytes.take(TAR_BLOCK)) !== undefined || (await bytes.take(TAR_BLOCK)).some(Boolean)) {
    throw new SyntaxError("expected no more files than its manifest names");
  }
  await bytes.end(); // which is where the compression's own check sum is looked at
  return manifest;
}

async function requireRoom(folder: string, { files }: Manifest): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const needed = files.reduce((sum, { size }) => sum + size, 0);
  if (needed > bavail * bsize) {
    throw new RangeError(
      `${needed} bytes are needed to unpack it, ${bavail * bsize} are free at "${folder}"`,
    );
  }
}

async function unpackFile(bytes: Bytes, folder: string, { name, size, sha256 }: ArchivedFile): Promise<void> {
  await using file = await open(stagedPath(folder, name), "wx", MODE);
  const hash = createHash("sha256");
  for (let left = size; left > 0; ) {
    const chunk = await bytes.takeSome(left);
    hash.update(chunk);
    await file.appendFile(chunk);
    left -= chunk.length;
  }
  if (hash.digest("hex") !== sha256)
    throw new SyntaxError(`"${name}" is not what its manifest says: it was changed`);
}

/** A stream by the number of bytes. */
class Bytes {
  readonly #chunks: AsyncIterator<Buffer>;
  #waiting: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** @throws {SyntaxError} when the stream ends before. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const part = await this.takeSome(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** @throws {SyntaxError} unless it ends here. */
  async end(): Promise<void> {
    if (this.#waiting.length > 0 || !(await this.#chunks.next()).done) {
      throw new SyntaxError("expected its end, got more");
    }
  }

  /** At least one byte, at most `most`. @throws {SyntaxError} at the end. */
  async takeSome(most: number): Promise<Buffer> {
    while (this.#waiting.length === 0) {
      const next = await this.#chunks.next();
      if (next.done) throw new SyntaxError("it is cut off");
      this.#waiting = next.value;
    }
    const part = this.#waiting.subarray(0, most);
    this.#waiting = this.#waiting.subarray(part.length);
    return part;
  }
}
