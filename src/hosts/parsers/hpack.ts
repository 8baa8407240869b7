/**
 * Decodes the first header block of an HTTP/2 connection.
 *
 *   indexed  = 1 index(7+)                                            RFC 7541 6.1
 *   literal  = 01 index(6+) | 0000 index(4+) | 0001 index(4+)
 *              [name, if the index is 0]  value                       RFC 7541 6.2
 *   resizing = 001 size(5+)                                           RFC 7541 6.3
 *   string   = huffman(1) length(7+) bytes                            RFC 7541 5.2
 *
 * where (n+) is an integer in the last n bits of a byte, and in further bytes if
 * those are all ones. Fields after "01" are new entries of the dynamic table; the
 * newest has the index after the static ones.
 *
 * The table begins empty, so all of it comes from this block. No entry is ever put
 * out: an honest encoder names none that was, and the block bounds the table. So
 * sizes do not matter either. Entries share their strings, so a block that
 * names one long field again and again does not grow; how often is bounded, as
 * whoever reads the fields reads each of them.
 *
 * Pure: no I/O, no state between calls.
 */
import { Cursor } from "./cursor.ts";
import { type HeaderField, HUFFMAN_LENGTHS, STATIC_FIELDS } from "./hpack-tables.ts";

const INDEXED = 0x80;
const LITERAL_KEPT = 0x40;
const RESIZING = 0x20;
const HUFFMAN = 0x80;

/** Of an integer, after its first byte: 21 bits are more than any block is long. */
const MOST_FURTHER_BYTES = 3;

/** Browsers send about twenty. */
const MOST_FIELDS = 256;

const EOS = 256;
const LONGEST_CODE = 30;

/** For codes of one length: the first of them, and the bytes that they stand for. */
interface Codes {
  readonly first: number;
  readonly symbols: readonly number[];
}
const CODES = codesByLength();

/** @returns undefined for a block that is broken or cut off. */
export function decodeHeaderBlock(block: Uint8Array): readonly HeaderField[] | undefined {
  const cursor = new Cursor(block);
  const fields: HeaderField[] = [];
  const kept: HeaderField[] = [];
  while (cursor.remaining > 0) {
    const first = cursor.u8();
    if (first >= RESIZING && first < LITERAL_KEPT) {
      if (Number.isNaN(integer(cursor, first, 5))) return undefined;
      continue;
    }
    const field = first >= INDEXED ? entry(integer(cursor, first, 7), kept) : literal(cursor, first, kept);
    if (field === undefined || fields.length === MOST_FIELDS) return undefined;
    if (first >= LITERAL_KEPT && first < INDEXED) kept.push(field);
    fields.push(field);
  }
  return cursor.overrun ? undefined : fields;
}

function literal(cursor: Cursor, first: number, kept: readonly HeaderField[]): HeaderField | undefined {
  const index = integer(cursor, first, first >= LITERAL_KEPT ? 6 : 4);
  const name = index === 0 ? text(cursor) : entry(index, kept)?.name;
  const value = text(cursor);
  return name === undefined || value === undefined ? undefined : { name, value };
}

function entry(index: number, kept: readonly HeaderField[]): HeaderField | undefined {
  return STATIC_FIELDS[index - 1] ?? kept[kept.length + STATIC_FIELDS.length - index];
}

/** @returns NaN, which no index and no length is, for more bytes than a number of ours has. */
function integer(cursor: Cursor, first: number, bits: number): number {
  const most = (1 << bits) - 1;
  let value = first & most;
  if (value < most) return value;
  for (let further = 0; further < MOST_FURTHER_BYTES; further += 1) {
    const byte = cursor.u8();
    value += (byte & 0x7f) << (7 * further);
    if (byte < 0x80) return value;
  }
  return Number.NaN;
}

function text(cursor: Cursor): string | undefined {
  const first = cursor.u8();
  const length = integer(cursor, first, 7);
  if (Number.isNaN(length)) return undefined;
  return first >= HUFFMAN ? huffmanText(cursor.bytes(length)) : cursor.text(length);
}

/**
 * The last byte is filled up with ones, the beginning of EOS; EOS itself does not occur (RFC 7541 5.2).
 * Every sequence of 30 bits begins with some code, so the search for one ends.
 */
function huffmanText(bytes: Uint8Array): string | undefined {
  let decoded = "";
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      code = (code << 1) | ((byte >> bit) & 1);
      length += 1;
      const codes = CODES[length];
      const symbol = codes?.symbols[code - codes.first];
      if (symbol === EOS) return undefined;
      if (symbol === undefined) continue;
      decoded += String.fromCharCode(symbol);
      code = 0;
      length = 0;
    }
  }
  return length < 8 && code === (1 << length) - 1 ? decoded : undefined;
}

function codesByLength(): readonly Codes[] {
  const all: Codes[] = [];
  let next = 0;
  for (let length = 0; length <= LONGEST_CODE; length += 1) {
    const symbols = [...HUFFMAN_LENGTHS.keys()].filter((symbol) => HUFFMAN_LENGTHS[symbol] === length);
    next *= 2;
    all.push({ first: next, symbols });
    next += symbols.length;
  }
  return all;
}
