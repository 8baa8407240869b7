/**
 * The header of a file in a tar archive, in the plain POSIX form that every tar
 * reads (POSIX.1-1988 ustar), and nothing else of what tar can do: no links, no
 * folders, no long names, no paths to climb.
 *
 *   name(100) mode(8) uid(8) gid(8) size(12) mtime(12) checksum(8) type(1)
 *   linkname(100) "ustar\0" "00" uname(32) gname(32) devices(16) prefix(155)
 *
 * Numbers are octal text. The checksum is the sum of all bytes of the header,
 * with spaces in its own place.
 *
 * Pure: no clock, no I/O.
 */
export interface TarFile {
  readonly name: string;
  readonly size: number;
}

export const TAR_BLOCK = 512;
/** Eleven octal digits: 8 GiB less one byte. */
const LARGEST = 8 ** 11 - 1;
const CHECKSUM = { at: 148, length: 8 } as const;
const MAGIC = "ustar\u000000";
const PLAIN_FILE = "0";

/**
 * @param mtime in seconds since 1970.
 * @throws {RangeError} for a name over 100 bytes, or more than 8 GiB.
 */
export function tarHeader({ name, size }: TarFile, mtime: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`Cannot archive "${name}": its name is too long`);
  if (size > LARGEST) throw new RangeError(`Cannot archive "${name}": ${size} bytes are more than fit`);
  const header = Buffer.alloc(TAR_BLOCK);
  header.write(name, 0);
  header.write("0000600\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${octal(size, 11)}\0`, 124);
  header.write(`${octal(mtime, 11)}\0`, 136);
  header.write(PLAIN_FILE, 156);
  header.write(MAGIC, 257);
  header.write(`${octal(checksumOf(header), 6)}\0 `, CHECKSUM.at);
  return header;
}

/**
 * @returns undefined for the block of zeros that ends an archive.
 * @throws {SyntaxError} for anything but a plain file as `tarHeader` writes it.
 */
export function tarFileOf(header: Buffer): TarFile | undefined {
  if (header.every((byte) => byte === 0)) return undefined;
  if (header.toString("latin1", 257, 265) !== MAGIC) throw new SyntaxError("expected a tar header");
  if (octalIn(header, CHECKSUM.at, CHECKSUM.length) !== checksumOf(header)) {
    throw new SyntaxError("a tar header's checksum is wrong");
  }
  const name = textIn(header, 0, 100);
  const type = header.toString("latin1", 156, 157);
  if (type !== PLAIN_FILE) {
    throw new SyntaxError(
      `expected plain files alone, got ${JSON.stringify(name)} of type ${JSON.stringify(type)}`,
    );
  }
  if (textIn(header, 345, 155) !== "")
    throw new SyntaxError(`expected no folder, got one of ${JSON.stringify(name)}`);
  return { name, size: octalIn(header, 124, 12) };
}

/** What stands between a file's end and the next header. */
export function tarPadding(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

function checksumOf(header: Buffer): number {
  let sum = 0;
  for (const [index, byte] of header.entries()) {
    sum += index >= CHECKSUM.at && index < CHECKSUM.at + CHECKSUM.length ? 0x20 : byte;
  }
  return sum;
}

function octal(value: number, digits: number): string {
  return Math.floor(value).toString(8).padStart(digits, "0");
}

function octalIn(header: Buffer, at: number, length: number): number {
  const text = header.toString("latin1", at, at + length);
  if (!/^[0-7]+[\0 ]*$/.test(text)) throw new SyntaxError("a number in a tar header is none");
  return Number.parseInt(text, 8);
}

function textIn(header: Buffer, at: number, length: number): string {
  const end = header.indexOf(0, at);
  return header.toString("utf8", at, end < 0 ? at + length : Math.min(end, at + length));
}
