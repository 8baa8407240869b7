/**
 * Cuts tcpdump's output into packets, however the pipe has cut it.
 *
 *   stream = header  record*                                         pcap-savefile(5)
 *   header = magic(4)  version(2)=2 (2)  zone(4)  accuracy(4)  snap length(4)  link type(4)
 *   record = seconds(4)  fraction(4)  kept(4)  original length(4)  bytes<kept>
 *
 * The magic is written in the writer's byte order, so it tells that order, and
 * whether fractions are of 10^-6 or 10^-9 s. A record that lies inside one chunk
 * is handed on where it lies; one that lies over two is gathered first, so what
 * is held never passes one record.
 *
 * Pure: no clock, no I/O; its state is the record that is not whole yet.
 */
import { type UnixTime, unixTime } from "../../units.ts";

/**
 * `link` is a number of tcpdump.org's list of link types. `bytes` are only there
 * during the call; `originalLength` is more than they are where the snap length cut.
 */
export type PacketListener = (link: number, at: UnixTime, bytes: Uint8Array, originalLength: number) => void;

/** libpcap's own bound; tcpdump asks for that much unless told otherwise. */
const LONGEST_PACKET = 262_144;
const STREAM_HEADER = 24;
const RECORD_HEADER = 16;
/** The upper bits of that field tell of frame check sequences. */
const LINK_MASK = 0xffff;

/** By the magic as it reads in the lower byte first. */
const FORMATS: ReadonlyMap<number, Format> = new Map([
  [0xa1b2c3d4, { littleEndian: true, perMillisecond: 1_000 }],
  [0xa1b23c4d, { littleEndian: true, perMillisecond: 1_000_000 }],
  [0xd4c3b2a1, { littleEndian: false, perMillisecond: 1_000 }],
  [0x4d3cb2a1, { littleEndian: false, perMillisecond: 1_000_000 }],
]);

interface Format {
  readonly littleEndian: boolean;
  readonly perMillisecond: number;
}

interface Opened extends Format {
  readonly link: number;
  readonly longest: number;
}

export class PcapStream {
  readonly #listener: PacketListener;
  #opened: Opened | undefined;
  #failed = false;
  /** The beginning of what is not whole yet, in a buffer as long as the whole will be. */
  #held = new Uint8Array(0);
  #heldLength = 0;

  constructor(listener: PacketListener) {
    this.#listener = listener;
  }

  /**
   * Takes the next bytes of the stream and hands on every packet that they complete.
   *
   * @throws {SyntaxError} once, when they are no pcap or no longer; what comes after is passed over.
   * Only a new stream helps.
   */
  push(chunk: Uint8Array): void {
    if (this.#failed) return;
    this.#failed = true; // unless all of it can be taken
    this.#take(chunk);
    this.#failed = false;
  }

  #take(chunk: Uint8Array): void {
    let offset = this.#fill(chunk, 0);
    while (offset < chunk.length) {
      const length = this.#lengthAt(chunk, offset);
      if (chunk.length - offset < length) {
        this.#held = new Uint8Array(length);
        this.#heldLength = 0;
        offset = this.#fill(chunk, offset);
      } else {
        this.#read(chunk.subarray(offset, offset + length));
        offset += length;
      }
    }
  }

  /** Adds to what is held until that is whole. @returns where the rest of the chunk begins. */
  #fill(chunk: Uint8Array, offset: number): number {
    let next = offset;
    while (this.#held.length > 0 && next < chunk.length) {
      const part = chunk.subarray(next, next + this.#held.length - this.#heldLength);
      this.#held.set(part, this.#heldLength);
      this.#heldLength += part.length;
      next += part.length;
      if (this.#heldLength < this.#held.length) break;
      const whole = this.#held;
      const length = this.#lengthAt(whole, 0); // a record tells its length only now that its header is whole
      this.#held = new Uint8Array(length > whole.length ? length : 0);
      if (this.#held.length > 0) this.#held.set(whole);
      else this.#read(whole);
    }
    return next;
  }

  /** Of the header or record that begins there; of its own header as long as that is not whole. */
  #lengthAt(bytes: Uint8Array, offset: number): number {
    if (!this.#opened) return STREAM_HEADER;
    if (bytes.length - offset < RECORD_HEADER) return RECORD_HEADER;
    const { littleEndian, perMillisecond, longest } = this.#opened;
    const view = viewOf(bytes, offset);
    const [fraction, kept, original] = [4, 8, 12].map((at) => view.getUint32(at, littleEndian)) as Three;
    if (kept > longest || kept > original || fraction >= 1_000 * perMillisecond) {
      throw new SyntaxError(
        `Cannot read a packet: expected up to ${longest} bytes and a time, got ${kept} bytes of ${original} at fraction ${fraction}`,
      );
    }
    return RECORD_HEADER + kept;
  }

  #read(whole: Uint8Array): void {
    if (!this.#opened) {
      this.#opened = parseHeader(whole);
      return;
    }
    const { littleEndian, perMillisecond, link } = this.#opened;
    const view = viewOf(whole, 0);
    const after = Math.floor(view.getUint32(4, littleEndian) / perMillisecond);
    const at = unixTime(view.getUint32(0, littleEndian) * 1_000 + after);
    this.#listener(link, at, whole.subarray(RECORD_HEADER), view.getUint32(12, littleEndian));
  }
}

type Three = [number, number, number];

function parseHeader(bytes: Uint8Array): Opened {
  const view = viewOf(bytes, 0);
  const format = FORMATS.get(view.getUint32(0, true));
  if (!format) {
    const magic = view.getUint32(0).toString(16).padStart(8, "0");
    throw new SyntaxError(`Cannot read packets: expected the magic number of a pcap stream, got 0x${magic}`);
  }
  const version = view.getUint16(4, format.littleEndian);
  if (version !== 2) throw new SyntaxError(`Cannot read packets: expected pcap 2, got ${version}`);
  const snapLength = view.getUint32(16, format.littleEndian);
  return {
    ...format,
    link: view.getUint32(20, format.littleEndian) & LINK_MASK,
    longest: snapLength === 0 ? LONGEST_PACKET : Math.min(snapLength, LONGEST_PACKET),
  };
}

function viewOf(bytes: Uint8Array, offset: number): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset);
}
