/**
 * The engine's traffic counters, kept ready for the wire.
 *
 * Xray holds a map of names to numbers and answers QueryStats by walking it.
 * Here each counter's name is encoded once, and an answer is written into one
 * buffer that is used again for the next: 2,000 counters, asked for every
 * 10 ms, must cost next to nothing beside the program under test.
 *
 *   QueryStatsResponse = Stat*    Stat = 0x0a size<varint>  name [value]
 *   name = 0x0a size<varint> UTF-8        value = 0x10 <varint>, absent when 0
 */

interface Counter {
  readonly name: string;
  /** As field 1 of a Stat, tag and size in front. */
  readonly encodedName: Buffer;
  /** Bytes since it began, or since it was last read with reset. */
  value: number;
}

export class EngineCounters {
  readonly #byName = new Map<string, Counter>();
  /** In no order anybody may rely on, as in a Go map. */
  readonly #shuffled: Counter[] = [];
  #answer = Buffer.allocUnsafe(64 * 1024);

  /** Counts `amount` bytes, 0 or more; the first call for a name creates its counter. */
  add(name: string, amount: number): void {
    const counter = this.#byName.get(name);
    if (counter) counter.value += amount;
    else this.#create(name, amount);
  }

  /** The exact name's value; undefined if nothing ever passed. `reset` leaves zero behind. */
  read(name: string, reset: boolean): number | undefined {
    const counter = this.#byName.get(name);
    const value = counter?.value;
    if (counter && reset) counter.value = 0;
    return value;
  }

  /**
   * A QueryStatsResponse of every counter whose name contains `pattern`, case
   * and all, starting anywhere.
   *
   * @returns bytes that hold only until the next call.
   */
  query(pattern: string, reset: boolean): Buffer {
    const first = Math.floor(Math.random() * this.#shuffled.length);
    let at = 0;
    for (let index = 0; index < this.#shuffled.length; index++) {
      const counter = this.#shuffled[(first + index) % this.#shuffled.length] as Counter;
      if (!counter.name.includes(pattern)) continue;
      at = this.#write(counter.encodedName, counter.value, at);
      if (reset) counter.value = 0;
    }
    return this.#answer.subarray(0, at);
  }

  #create(name: string, value: number): void {
    const text = Buffer.from(name);
    const encodedName = Buffer.alloc(1 + varintSize(text.length) + text.length);
    encodedName[0] = 0x0a;
    text.copy(encodedName, writeVarint(encodedName, 1, text.length));
    const counter = { name, encodedName, value };
    this.#byName.set(name, counter);
    // Into a random place, so that a user's two counters do not stand side by side.
    const place = Math.floor(Math.random() * (this.#shuffled.length + 1));
    this.#shuffled.push(this.#shuffled[place] ?? counter);
    this.#shuffled[place] = counter;
  }

  /** @returns where the next Stat goes. */
  #write(encodedName: Buffer, value: number, start: number): number {
    const size = encodedName.length + (value === 0 ? 0 : 1 + varintSize(value));
    const end = start + 1 + varintSize(size) + size;
    if (end > this.#answer.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.#answer.length * 2));
      this.#answer.copy(larger, 0, 0, start);
      this.#answer = larger;
    }
    this.#answer[start] = 0x0a;
    const nameAt = writeVarint(this.#answer, start + 1, size);
    encodedName.copy(this.#answer, nameAt);
    if (value !== 0) {
      this.#answer[nameAt + encodedName.length] = 0x10;
      writeVarint(this.#answer, nameAt + encodedName.length + 1, value);
    }
    return end;
  }
}

/** Division, not shifts: values go beyond 32 bits. */
function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** @returns the offset behind the number. */
function writeVarint(target: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80;
  target[at++] = rest;
  return at;
}
