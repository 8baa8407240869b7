/**
 * Moves a known number of bytes through a tunnel and tells what came of it.
 *
 * A cut is an outcome here, not an error: what got through before it, and when
 * its last byte came, is what the tests ask for.
 */
import { setTimeout as delay } from "node:timers/promises";
import { reasonOf } from "../../src/errors.ts";
import { encodeOrder } from "./origin.ts";
import type { Tunnel } from "./tunnel.ts";

export interface Wish {
  /** Bytes to send, not counting the order to the origin (`ORDER_LENGTH` more). */
  readonly up: number;
  readonly down: number;
  /** Bytes per second at which the origin sends; as fast as it can if left out. */
  readonly rate?: number;
  /** Bytes per second at which the upload is sent; as fast as it can if left out. */
  readonly upRate?: number;
  /** Bytes per second at which they are read, so that the rest piles up on the way; at once if left out. */
  readonly readRate?: number;
}

export interface Arrival {
  /** `performance.now()`: ms, monotonic, within this process. */
  readonly at: number;
  readonly bytes: number;
}

export interface TransferResult {
  /** Bytes handed to the kernel, not counting the order. */
  readonly up: number;
  /** Bytes that arrived. */
  readonly down: number;
  /** "complete": all wished for. "ended": an orderly end before that. "reset": anything else; `reason` says what. */
  readonly outcome: "complete" | "ended" | "reset";
  readonly reason: string | undefined;
  readonly arrivals: readonly Arrival[];
}

export interface Transfer {
  /** Bytes that arrived so far. */
  readonly down: number;
  /** What came so far, in order; the last one's time tells how long it has been still. */
  readonly arrivals: readonly Arrival[];
  /** Never rejects. */
  readonly finished: Promise<TransferResult>;
  /** Drops the connection; `finished` then tells "reset". */
  stop(): void;
}

export function moveBytes(tunnel: Tunnel, wish: Wish): Promise<TransferResult> {
  return startTransfer(tunnel, wish).finished;
}

/** The same, to be watched while it runs. The tunnel is used up by it. */
export function startTransfer(tunnel: Tunnel, wish: Wish): Transfer {
  const progress = { up: 0, down: 0, arrivals: [] as Arrival[] };
  const uploaded = upload(tunnel, wish, progress);
  const finished = Promise.all([uploaded, download(tunnel, wish, progress, uploaded)])
    .then(
      () => {
        const complete = progress.up === wish.up && progress.down === wish.down;
        return {
          ...progress,
          outcome: complete ? ("complete" as const) : ("ended" as const),
          reason: undefined,
        };
      },
      (error: unknown) => ({ ...progress, outcome: "reset" as const, reason: reasonOf(error) }),
    )
    .finally(() => tunnel.socket.destroy());
  return {
    get down() {
      return progress.down;
    },
    arrivals: progress.arrivals,
    finished,
    stop: () => tunnel.socket.destroy(new Error("The test stopped it")),
  };
}

const CHUNK = Buffer.alloc(64 * 1024, "ecluse ");

async function upload({ socket }: Tunnel, wish: Wish, progress: { up: number }): Promise<void> {
  await write(encodeOrder({ upload: wish.up, download: wish.down, rate: wish.rate ?? 0 }));
  const began = performance.now();
  while (progress.up < wish.up) {
    const chunk = CHUNK.subarray(0, wish.up - progress.up);
    await write(chunk);
    progress.up += chunk.length;
    if (wish.upRate === undefined) continue;
    const dueIn = began + (progress.up / wish.upRate) * 1_000 - performance.now();
    if (dueIn > 0) await delay(dueIn);
  }

  function write(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }
}

/**
 * Is through at the last byte wished for, which says that the upload arrived
 * too; only without a download it waits for the end. Ends are slow: mux has no
 * half-closed streams, and otherwise engines wait a second or two for the other half.
 */
async function download(
  { incoming }: Tunnel,
  wish: Wish,
  progress: { down: number; arrivals: Arrival[] },
  uploaded: Promise<void>,
): Promise<void> {
  const began = performance.now();
  for await (const bytes of incoming) {
    progress.down += bytes.length;
    progress.arrivals.push({ at: performance.now(), bytes: bytes.length });
    if (progress.down >= wish.down) {
      await uploaded; // leaving the loop closes the socket
      return;
    }
    if (wish.readRate === undefined) continue;
    const dueIn = began + (progress.down / wish.readRate) * 1_000 - performance.now();
    if (dueIn > 0) await delay(dueIn);
  }
}
