/**
 * An engine in this process, for a first look without one and for tests.
 *
 * It is Xray's API over real gRPC (counters, users, routing rules) with nothing
 * behind it: whoever holds the engine moves the bytes. What a client of the API
 * can see behaves as in Xray: a user's counters begin with his first bytes and
 * outlive his removal, and a restart forgets all that came through the API.
 */
import { randomUUID } from "node:crypto";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { Clock } from "../clock.ts";
import type { Traffic } from "../units.ts";
import { EngineCounters } from "./counters.ts";
import { encodeMessage } from "./messages.ts";
import { addServices, type EngineLife } from "./services.ts";
import { type EngineOutbound, EngineState, type EngineUser } from "./state.ts";

export interface DemoUser {
  readonly email: string;
  /** The inbound that knows him; who stands in two of them is listed twice. */
  readonly inbound: string;
}

export interface DemoEngineOptions {
  /** Where the API listens: "127.0.0.1:0" (0 picks a free port) or "unix:/path". */
  readonly address: string;
  /** Tells the uptime. */
  readonly clock: Clock;
  readonly users: readonly DemoUser[];
}

export interface DemoEngine extends AsyncDisposable {
  /** What a gRPC client dials; the same across restarts. */
  readonly target: string;
  /** Lets bytes pass, as on a connection that is up: it does not ask whether the user may. */
  add(user: string, traffic: Traffic): void;
  /** Whether a new connection of this user would move bytes: not removed, not sent into a blackhole. */
  admits(user: string): boolean;
  /** Ends every API connection and begins a new life: no counters, uptime 0, the users of the start. */
  restart(): Promise<void>;
}

const DIRECT = "direct";

/** @throws when the address cannot be listened on. */
export async function startDemoEngine(options: DemoEngineOptions): Promise<DemoEngine> {
  const inbounds = inboundsOf(options.users);
  let life = beginLife(inbounds, options.clock);
  let { server, target } = await serve(life, options.address);

  return {
    target,
    add(user, { uplink, downlink }) {
      for (const owner of [`user>>>${user}`, `outbound>>>${DIRECT}`]) {
        life.counters.add(`${owner}>>>traffic>>>uplink`, uplink);
        life.counters.add(`${owner}>>>traffic>>>downlink`, downlink);
      }
    },
    admits: (user) => life.state.admits(user),
    async restart() {
      server.forceShutdown();
      life = beginLife(inbounds, options.clock);
      ({ server } = await serve(life, target));
    },
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
    },
  };
}

function inboundsOf(users: readonly DemoUser[]): Map<string, EngineUser[]> {
  const inbounds = new Map<string, EngineUser[]>();
  for (const { email, inbound } of users) {
    const value = encodeMessage("VlessAccount", { id: randomUUID(), encryption: "none" });
    const user = { email, level: 0, account: { type: "xray.proxy.vless.Account", value } };
    inbounds.set(inbound, [...(inbounds.get(inbound) ?? []), user]);
  }
  return inbounds;
}

function beginLife(inbounds: ReadonlyMap<string, readonly EngineUser[]>, clock: Clock): EngineLife {
  const counters = new EngineCounters();
  // Outbounds are counted from the start, users from their first connection.
  counters.add(`outbound>>>${DIRECT}>>>traffic>>>uplink`, 0);
  counters.add(`outbound>>>${DIRECT}>>>traffic>>>downlink`, 0);
  const began = clock.monotonic();
  return {
    counters,
    state: new EngineState(inbounds, OUTBOUNDS),
    uptime: () => Math.floor((clock.monotonic() - began) / 1000),
  };
}

const OUTBOUNDS: readonly EngineOutbound[] = [
  { tag: DIRECT, proxySettings: { type: "xray.proxy.freedom.Config", value: new Uint8Array() } },
  { tag: "blocked", proxySettings: { type: "xray.proxy.blackhole.Config", value: new Uint8Array() } },
];

async function serve(life: EngineLife, address: string): Promise<{ server: Server; target: string }> {
  const server = new Server();
  addServices(server, life);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(new Error(`Cannot listen on ${address}: ${error.message}`, { cause: error }));
      else resolve(bound);
    });
  });
  const isUnix = address.startsWith("unix:");
  return { server, target: isUnix ? address : `${address.slice(0, address.lastIndexOf(":"))}:${port}` };
}
