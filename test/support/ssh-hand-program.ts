/**
 * Moves bytes inside a network namespace on behalf of a test outside of it: `ssh-hand.ts` starts it there.
 *
 * A request is a line of JSON on the standard input, its answer one on the
 * standard output; answers come in the order in which they are ready.
 */
import { createInterface } from "node:readline";
import { reasonOf } from "../../src/errors.ts";
import { type Origin, startOrigin } from "./origin.ts";
import { connectThroughSocks } from "./socks.ts";
import { startTransfer, type Transfer, type TransferResult, type Wish } from "./traffic.ts";
import { connectDirectly, type Destination } from "./tunnel.ts";

export type HandRequest =
  | { readonly do: "serve"; readonly address: string; readonly port: number }
  | { readonly do: "tally"; readonly server: number }
  | {
      readonly do: "transfer";
      readonly destination: Destination;
      readonly socks: Destination | undefined;
      readonly wish: Wish;
    }
  | { readonly do: "progress" | "finish" | "stop"; readonly transfer: number };

export interface Tally {
  /** Payload bytes on all connections, orders included. */
  readonly received: number;
  readonly sent: number;
  /** Connections that are open now. */
  readonly open: number;
}

export interface Progress {
  /** Bytes that arrived at the side that opened the connection. */
  readonly down: number;
  /** When the last of them came: ms since the epoch. Undefined before the first. */
  readonly lastAt: number | undefined;
}

export type Finished = Omit<TransferResult, "arrivals"> & Progress;

const origins: Origin[] = [];
const transfers: Transfer[] = [];

for await (const line of createInterface({ input: process.stdin })) void answer(line);
process.exit();

async function answer(line: string): Promise<void> {
  const { id, request } = JSON.parse(line) as { id: number; request: HandRequest };
  const outcome = await carryOut(request).then(
    (result) => ({ result }),
    (error: unknown) => ({ error: reasonOf(error) }),
  );
  process.stdout.write(`${JSON.stringify({ id, ...outcome })}\n`);
}

async function carryOut(request: HandRequest): Promise<unknown> {
  switch (request.do) {
    case "serve":
      return origins.push(await startOrigin(request.address, request.port)) - 1;
    case "tally": {
      const { received, sent, open } = there(origins, request.server);
      return { received, sent, open } satisfies Tally;
    }
    case "transfer": {
      const { destination, socks, wish } = request;
      const tunnel = socks
        ? await connectThroughSocks(socks, destination)
        : await connectDirectly(destination);
      return transfers.push(startTransfer(tunnel, wish)) - 1;
    }
    case "progress":
      return progressOf(there(transfers, request.transfer));
    case "finish": {
      const transfer = there(transfers, request.transfer);
      const { arrivals: _, ...result } = await transfer.finished;
      return { ...result, ...progressOf(transfer) } satisfies Finished;
    }
    case "stop":
      return there(transfers, request.transfer).stop();
  }
}

function progressOf({ down, arrivals }: Transfer): Progress {
  const last = arrivals.at(-1);
  return { down, lastAt: last && performance.timeOrigin + last.at };
}

function there<Value>(values: readonly Value[], index: number): Value {
  const value = values[index];
  if (value === undefined) throw new RangeError(`Cannot find number ${index}: there are ${values.length}`);
  return value;
}
