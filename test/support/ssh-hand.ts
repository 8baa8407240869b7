/** A test's hand in a network namespace: one long-lived process there that serves, opens connections and moves bytes. */
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endChild, type Namespace } from "./namespaces.ts";
import type { Finished, HandRequest, Progress, Tally } from "./ssh-hand-program.ts";
import type { Wish } from "./traffic.ts";
import type { Destination } from "./tunnel.ts";

export interface Hand extends AsyncDisposable {
  readonly pid: number;
  /** Starts an origin (`origin.ts`) there. */
  serve(address: string, port: number): Promise<FarOrigin>;
  /** Opens a connection, through a SOCKS5 proxy if one is given. @throws {Error} when it is refused. */
  transfer(wish: Wish, destination: Destination, socks?: Destination): Promise<HandTransfer>;
}

export interface FarOrigin extends Destination {
  tally(): Promise<Tally>;
}

/** Up and down as the side that opened the connection has them. */
export interface HandTransfer {
  progress(): Promise<Progress>;
  /** Resolves when it is over, whatever its outcome. */
  finish(): Promise<Finished>;
  /** Drops the connection. */
  stop(): Promise<void>;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export async function startHand(namespace: Namespace): Promise<Hand> {
  const program = join(import.meta.dirname, "ssh-hand-program.ts");
  const child = namespace.spawn(process.execPath, [program], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child, "spawn");
  const { stdin, stdout, pid } = child;
  if (!stdin || !stdout || pid === undefined) throw new Error(`Cannot start a hand in ${namespace.name}`);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  createInterface({ input: stdout }).on("line", (line) => {
    const { id, result, error } = JSON.parse(line) as Answer;
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(new Error(`Cannot do it in ${namespace.name}: ${error}`));
  });
  child.once("exit", () => {
    for (const asked of waiting.values()) asked.reject(new Error(`The hand in ${namespace.name} is gone`));
  });
  let asked = 0;
  const ask = async <Result>(request: HandRequest): Promise<Result> => {
    const id = asked++;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    stdin.write(`${JSON.stringify({ id, request })}\n`);
    return (await answer.promise) as Result;
  };
  return {
    pid,
    async serve(address, port) {
      const server = await ask<number>({ do: "serve", address, port });
      return { address, port, tally: () => ask<Tally>({ do: "tally", server }) };
    },
    async transfer(wish, destination, socks) {
      const transfer = await ask<number>({ do: "transfer", destination, socks, wish });
      return {
        progress: () => ask<Progress>({ do: "progress", transfer }),
        finish: () => ask<Finished>({ do: "finish", transfer }),
        stop: () => ask<void>({ do: "stop", transfer }),
      };
    },
    [Symbol.asyncDispose]: () => endChild(child),
  };
}
