/**
 * Inputs that are nearly right: samples with bytes turned, cut, doubled, moved
 * and mixed, and now and then pure noise.
 *
 * The same seed makes the same inputs. A failure names the seed and the input,
 * so that FUZZ_SEED and FUZZ_INPUTS bring it back.
 */

/** How many inputs each parser gets; short words get a tenth. */
export const INPUTS = Number(process.env["FUZZ_INPUTS"] ?? 100_000);
export const FEW = Math.ceil(INPUTS / 10);
export const SEED = Number(process.env["FUZZ_SEED"] ?? 20_261_121);
/** For one target, in milliseconds: a tenth of a millisecond per input, and never less than a test's own time. */
export const TIMEOUT = Math.max(20_000, INPUTS / 10);

/** Longer than any input may take, by far: it would hold up every tick. */
const TOO_LONG_MS = 2000;

type Check = (input: Buffer) => void;

/**
 * Calls `check` with `count` inputs.
 *
 * @throws {Error} when it throws or takes too long, with what brings the input back.
 */
export function fuzz(samples: readonly (string | Uint8Array)[], check: Check, count = INPUTS): void {
  const random = randomNumbers(SEED);
  const buffers = samples.map((sample) => Buffer.from(sample as Uint8Array));
  for (let index = 0; index < count; index++) {
    const input = mutated(buffers, random);
    const began = performance.now();
    try {
      check(input);
    } catch (error) {
      throw new Error(`Failed on ${described(input, index)}: ${String(error)}`, { cause: error });
    }
    const took = performance.now() - began;
    if (took > TOO_LONG_MS) throw new Error(`Took ${Math.round(took)} ms for ${described(input, index)}`);
  }
}

/** The inputs themselves, for targets that read them from files. */
export function fuzzed(samples: readonly (string | Uint8Array)[], count: number, seed = SEED): Buffer[] {
  const random = randomNumbers(seed);
  const buffers = samples.map((sample) => Buffer.from(sample as Uint8Array));
  return Array.from({ length: count }, () => mutated(buffers, random));
}

/** Passes when `run` returns or throws one of `allowed`; throws anything else on. */
export function allowing(allowed: readonly (new (...given: never[]) => Error)[], run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!allowed.some((kind) => error instanceof kind)) throw error;
  }
}

function described(input: Buffer, index: number): string {
  const hex = input.subarray(0, 400).toString("hex");
  return `input ${index} of seed ${SEED}, ${input.length} bytes: ${hex}${input.length > 400 ? "..." : ""}`;
}

type Random = (below: number) => number;

/** Whole numbers from 0 to `below` - 1 (mulberry32, a public-domain generator of 32 bits). */
function randomNumbers(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** What parsers stumble over, in any of the formats here. */
const NASTY = [
  ...[
    "",
    "\0",
    "\n",
    "\r",
    "\u2028",
    " ",
    '"',
    "\\",
    "\\u0000",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "//",
    "/*",
    "*/",
    "#",
  ],
  ...[
    "-1",
    "1e999",
    "9007199254740992",
    "0x10",
    "NaN",
    "null",
    "true",
    "{}",
    "[]",
    '"__proto__"',
    "\ufeff",
    "\ud800",
  ],
  ...[
    " email: ",
    " accepted ",
    "->",
    ">>>",
    "user>>>",
    ">>>traffic>>>uplink",
    "\x0a\xff\xff\xff\xff\xff",
    "\x10\xff",
  ],
].map((text) => Buffer.from(text, /[\x80-\xff]/.test(text) ? "latin1" : "utf8"));

function mutated(samples: readonly Buffer[], random: Random): Buffer {
  const pick = <Item>(items: readonly Item[]) => items[random(items.length)] as Item;
  if (random(50) === 0) return Buffer.from(Array.from({ length: random(200) }, () => random(256)));
  let bytes = Buffer.from(pick(samples));
  for (let changes = random(4); changes >= 0; changes--) {
    const at = random(bytes.length + 1);
    const to = Math.min(bytes.length, at + random(20));
    const [head, cut, tail] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)];
    switch (random(7)) {
      case 0: // one byte
        bytes = Buffer.from(bytes);
        if (at < bytes.length) bytes[at] = random(256);
        break;
      case 1: // one bit
        bytes = Buffer.from(bytes);
        if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random(8));
        break;
      case 2: // the end
        bytes = Buffer.from(head);
        break;
      case 3: // a piece
        bytes = Buffer.concat([head, tail]);
        break;
      case 4: // a piece again
        bytes = Buffer.concat([head, cut, cut, tail]);
        break;
      case 5: // something nasty
        bytes = Buffer.concat([head, pick(NASTY), tail]);
        break;
      default: // a piece of another sample
        bytes = Buffer.concat([head, pick(samples).subarray(random(50)), tail]);
    }
  }
  return bytes.subarray(0, 100_000);
}
