/**
 * The few calls of the C library that Node does not offer.
 *
 * koffi is the only foreign function interface here and is loaded at first use,
 * so a host without its native module can still run everything else. Calls are
 * synchronous and take a few hundred nanoseconds beside the kernel's own time.
 */
import { createRequire } from "node:module";
import { constants } from "node:os";
import { getSystemErrorMessage, getSystemErrorName } from "node:util";
import { KernelUnavailableError, reasonOf } from "../errors.ts";

/** Each returns -1 on failure, as in section 2 of the manual; pass the result to `checked()`. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(descriptor: number, address: Uint8Array, length: number): number;
  send(descriptor: number, data: Uint8Array, length: number, flags: number): number;
  sendto(
    descriptor: number,
    data: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  recv(descriptor: number, buffer: Uint8Array, length: number, flags: number): number;
  /** `length` is a `socklen_t`: room on the way in, bytes written on the way out. */
  getsockopt(
    descriptor: number,
    level: number,
    option: number,
    value: Uint8Array,
    length: Uint32Array,
  ): number;
  setsockopt(descriptor: number, level: number, option: number, value: Uint8Array, length: number): number;
  flock(descriptor: number, operation: number): number;
  /** `timex` must be zeroed and hold 256 bytes, more than any architecture's `struct timex`. */
  adjtimex(timex: Uint8Array): number;
  close(descriptor: number): number;
  /** Where the bytes lie, for a struct that points at them: good as long as they are referenced. */
  addressOf(bytes: Uint8Array): bigint;
  /** The error number of the last call that answered -1. */
  errno(): number;
}

/** A system call that failed. `code` as Node spells it ("EPERM"), `errno` as the kernel does (positive). */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  readonly code: string;
  readonly errno: number;

  /** @param action what could not be done, to what: "Cannot lock ..." */
  constructor(action: string, errno: number) {
    const code = getSystemErrorName(-errno);
    super(`${action}: ${code}, ${getSystemErrorMessage(-errno)}`);
    this.code = code;
    this.errno = errno;
  }
}

/** @throws {KernelUnavailableError} when koffi or its binary for this machine is not installed. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

/** @throws {SystemCallError} when `result`, just returned by a call, is -1. */
export function checked(calls: Libc, result: number, action: string): number {
  if (result === -1) throw new SystemCallError(action, calls.errno());
  return result;
}

/** The same, repeated while a signal handler interrupts it. */
export function uninterrupted(calls: Libc, call: () => number, action: string): number {
  for (;;) {
    const result = call();
    if (result !== -1 || calls.errno() !== constants.errno.EINTR) return checked(calls, result, action);
  }
}

let loaded: Libc | undefined;

function load(): Libc {
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    // No path means the running program, which has its C library loaded already, whichever that is.
    const program = koffi.load(null);
    return {
      socket: program.func("int socket(int, int, int)"),
      bind: program.func("int bind(int, void *, uint32_t)"),
      send: program.func("long send(int, void *, size_t, int)"),
      sendto: program.func("long sendto(int, void *, size_t, int, void *, uint32_t)"),
      recv: program.func("long recv(int, void *, size_t, int)"),
      getsockopt: program.func("int getsockopt(int, int, int, void *, void *)"),
      setsockopt: program.func("int setsockopt(int, int, int, void *, uint32_t)"),
      flock: program.func("int flock(int, int)"),
      adjtimex: program.func("int adjtimex(void *)"),
      close: program.func("int close(int)"),
      addressOf: (bytes) => koffi.address(bytes),
      errno: () => koffi.errno(),
    };
  } catch (error) {
    // The first line alone: behind it stands the list of modules that asked.
    const [reason] = reasonOf(error).split("\n");
    throw new KernelUnavailableError(
      `Cannot call the C library: the native module koffi is missing or does not fit ${process.platform}-${process.arch}: install Sluice's packages with optional ones included: ${reason}`,
      { cause: error },
    );
  }
}
