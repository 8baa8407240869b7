/**
 * Passwords as they are kept: "$scrypt$ln=15,r=8,p=3$salt$hash", in base64 without padding.
 *
 * The parameters are OWASP's least for scrypt: about 0.2 s of a processor and
 * 34 MB. They stand in the text, so that they can be raised for new passwords.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto";

const LOG2_COST = 15;
const BLOCK = 8;
const LANES = 3;
/** Node refuses to take more than 32 MiB unless it is told. */
const MOST_MEMORY = 128 * 1024 * 1024;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const LEAST_LETTERS = 10;
const MOST_BYTES = 128;
const SHAPE =
  /^\$scrypt\$ln=(?<cost>\d{1,2}),r=(?<block>\d{1,2}),p=(?<lanes>\d{1,2})\$(?<salt>[\w+/-]{1,64})\$(?<hash>[\w+/-]{1,128})$/;

/** What is wrong with a password that somebody wants to have; undefined if it will do. */
export function passwordFault(password: string): string | undefined {
  const letters = Array.from(password).length;
  if (letters < LEAST_LETTERS)
    return `expected a password of at least ${LEAST_LETTERS} letters, got ${letters}`;
  const length = Buffer.byteLength(password);
  if (length > MOST_BYTES) return `expected a password of at most ${MOST_BYTES} bytes, got ${length}`;
  return undefined;
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, HASH_BYTES, {
    ...{ N: 2 ** LOG2_COST, r: BLOCK, p: LANES },
  });
  return `$scrypt$ln=${LOG2_COST},r=${BLOCK},p=${LANES}$${unpadded(salt)}$${unpadded(hash)}`;
}

/**
 * Whether that is the password.
 *
 * @param kept undefined where nobody has the name: takes as long, and is false.
 */
export async function isPassword(kept: string | undefined, password: string): Promise<boolean> {
  const { cost, block, lanes, salt, hash } = SHAPE.exec(kept ?? "")?.groups ?? {};
  const parameters =
    cost === undefined
      ? { N: 2 ** LOG2_COST, r: BLOCK, p: LANES }
      : { N: 2 ** Number(cost), r: Number(block), p: Number(lanes) };
  const wanted = hash === undefined ? randomBytes(HASH_BYTES) : Buffer.from(hash, "base64");
  const saltBytes = salt === undefined ? randomBytes(SALT_BYTES) : Buffer.from(salt, "base64");
  // Too long for any that is kept: cut, so that its length costs nothing.
  const tried = password.slice(0, MOST_BYTES + 1);
  const got = await derive(tried, saltBytes, wanted.length, parameters);
  return timingSafeEqual(got, wanted) && hash !== undefined;
}

/** The same letters may be typed as different codes: NFKC makes them one (RFC 8265). */
function derive(password: string, salt: Buffer, length: number, parameters: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(
      password.normalize("NFKC"),
      salt,
      length,
      { ...parameters, maxmem: MOST_MEMORY },
      (error, hash) => {
        if (error) reject(error);
        else resolve(hash);
      },
    );
  });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}
