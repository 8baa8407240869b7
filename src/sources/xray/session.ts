/**
 * One connection to an engine's API, from connect to loss.
 *
 * An answer may be booked only if it is certain which life of the engine it
 * came from. grpc-js reconnects silently, so a session is given up for good the
 * moment its channel leaves READY, and an answer that arrives after that is
 * refused: whoever wants to go on opens a new session and asks the engine who
 * it is.
 *
 * The service names are V2Ray's: Xray and sing-box answer to them as well
 * (facts: xray 1.1). Keepalive pings stay off; Go servers punish them.
 */

import { fileURLToPath } from "node:url";
import {
  Client,
  connectivityState,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { reasonOf, UnreachableError } from "../../errors.ts";
import { type Milliseconds, milliseconds } from "../../units.ts";

const definitions = loadSync(fileURLToPath(new URL("../../../proto/xray.proto", import.meta.url)), {
  longs: String,
  defaults: true,
  keepCase: false,
});

const SERVICE_PATH = {
  StatsService: "/v2ray.core.app.stats.command.StatsService/",
  HandlerService: "/v2ray.core.app.proxyman.command.HandlerService/",
  RoutingService: "/v2ray.core.app.router.command.RoutingService/",
} as const;
export type ServiceName = keyof typeof SERVICE_PATH;

/** 64 MiB: the default of 4 MiB ends at about 30,000 users. */
const LARGEST_ANSWER = 64 * 1024 * 1024;
/** An answer fits the window whole, so the engine need not stop and wait for leave to go on every 64 KiB. */
const FLOW_WINDOW = 8 * 1024 * 1024;

/** A QueryStats request whose pattern no counter has. */
const NO_MATCH = Buffer.from([0x0a, 1, 0x01]);

/** The engine does not offer this call: older, or the service is not listed in `api.services`. */
export function isUnimplemented(error: unknown): boolean {
  return (error as ServiceError | undefined)?.code === status.UNIMPLEMENTED;
}

/** What the engine itself said, without gRPC's code in front. */
export function detailsOf(error: unknown): string {
  const details = (error as ServiceError | undefined)?.details;
  return typeof details === "string" ? details : String(error);
}

export class Session {
  readonly target: string;
  readonly #client: Client;
  #lost: Error | undefined;
  readonly #onLost: () => void;

  /**
   * Connects.
   *
   * @param target in grpc-js's form: "127.0.0.1:10085", "unix:/run/xray.sock".
   * @param onLost called once, when the connection ends.
   * @throws {UnreachableError} when there is no connection within `deadline`.
   */
  static async open(target: string, deadline: Milliseconds, onLost: () => void): Promise<Session> {
    const client = new Client(target, credentials.createInsecure(), {
      "grpc.max_receive_message_length": LARGEST_ANSWER,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_retries": 0,
      "grpc.enable_http_proxy": 0,
      "grpc-node.flow_control_window": FLOW_WINDOW,
    });
    try {
      await connected(client, Date.now() + deadline);
    } catch (error) {
      client.close();
      throw new UnreachableError(`Cannot reach the engine's API at ${target}: ${reasonOf(error)}`, {
        cause: error,
      });
    }
    return new Session(target, client, onLost);
  }

  private constructor(target: string, client: Client, onLost: () => void) {
    this.target = target;
    this.#client = client;
    this.#onLost = onLost;
    this.#watch();
  }

  /** False for good once the connection ended. */
  get alive(): boolean {
    return this.#lost === undefined;
  }

  /**
   * QueryStats without reset; the answer's bytes as they came.
   *
   * @param pattern a substring of counter names; "" is every counter.
   * @throws {ServiceError | UnreachableError} when no answer came in time on this connection.
   */
  queryStats(pattern: string, deadline: Milliseconds): Promise<Uint8Array> {
    const text = Buffer.from(pattern);
    // pattern = 1; patterns = 3 for V2Ray 5 and sing-box, which ignore the first.
    const request = Buffer.concat([lengthPrefixed(0x0a, text), lengthPrefixed(0x1a, text)]);
    return this.#unary(`${SERVICE_PATH.StatsService}QueryStats`, request, asIs, asIs, deadline);
  }

  /** Whether the engine answers to Xray's own service names; V2Ray and sing-box do not. */
  async speaksXray(): Promise<boolean> {
    try {
      await this.#unary(
        "/xray.app.stats.command.StatsService/QueryStats",
        NO_MATCH,
        asIs,
        asIs,
        milliseconds(5_000),
      );
      return true;
    } catch (error) {
      if (isUnimplemented(error)) return false;
      throw error;
    }
  }

  /**
   * Whether the engine offers a service, by what it says to a call that no service has: "unknown service" or
   * "unknown method". Undefined where it says neither, as servers that are not Go's do.
   */
  async offers(service: ServiceName): Promise<boolean | undefined> {
    try {
      await this.#unary(
        `${SERVICE_PATH[service]}SluiceAsks`,
        Buffer.alloc(0),
        asIs,
        asIs,
        milliseconds(2_000),
      );
      return undefined;
    } catch (error) {
      if (!isUnimplemented(error)) throw error;
      const said = detailsOf(error);
      return said.startsWith("unknown method")
        ? true
        : said.startsWith("unknown service")
          ? false
          : undefined;
    }
  }

  /** Any other call, by the names of `proto/xray.proto`. Throws as `queryStats` does. */
  call<Answer>(
    service: ServiceName,
    method: string,
    request: object,
    deadline: Milliseconds,
  ): Promise<Answer> {
    const definition = (definitions[`sluice.xray.${service}`] as ServiceDefinition)[
      method
    ] as MethodDefinition<object, Answer>;
    return this.#unary(
      `${SERVICE_PATH[service]}${method}`,
      request,
      definition.requestSerialize,
      definition.responseDeserialize,
      deadline,
    );
  }

  close(): void {
    this.#lose("it was closed");
  }

  #unary<Request, Answer>(
    path: string,
    request: Request,
    serialize: (request: Request) => Buffer,
    deserialize: (answer: Buffer) => Answer,
    deadline: Milliseconds,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(this.#lost);
      this.#client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        new Metadata(),
        { deadline: Date.now() + deadline },
        (error, answer) => {
          if (error) reject(error);
          else if (this.#lost) reject(this.#lost);
          else resolve(answer as Answer);
        },
      );
    });
  }

  #watch(): void {
    const channel = this.#client.getChannel();
    const state = channel.getConnectivityState(false);
    if (state !== connectivityState.READY) return this.#lose(`its channel is ${connectivityState[state]}`);
    channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => {
      if (!this.#lost) this.#lose("the engine ended it");
    });
  }

  #lose(why: string): void {
    if (this.#lost) return;
    this.#lost = new UnreachableError(`Cannot use the connection to the engine at ${this.target}: ${why}`);
    this.#client.close();
    this.#onLost();
  }
}

/**
 * Resolves when the channel is ready, rejects at its first failure: the channel's
 * own way is to try again after a second, which is long when an engine restarts.
 */
function connected(client: Client, until: number): Promise<void> {
  const channel = client.getChannel();
  return new Promise((resolve, reject) => {
    const step = () => {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return resolve();
      if (state === connectivityState.TRANSIENT_FAILURE) return reasonOfFailure(client, reject);
      channel.watchConnectivityState(state, until, (error) => (error ? reject(error) : step()));
    };
    step();
  });
}

/** The channel does not say why it failed; a call on it does, at once. */
function reasonOfFailure(client: Client, tell: (reason: Error) => void): void {
  const path = `${SERVICE_PATH.StatsService}GetSysStats`;
  const soon = { deadline: Date.now() + 100 };
  client.makeUnaryRequest(path, asIs, asIs, Buffer.alloc(0), new Metadata(), soon, (error) =>
    tell(error ?? new Error("the connection failed and came back")),
  );
}

/** The bytes of a message, for values inside TypedMessage. @param type a message of `proto/xray.proto`. */
export function encodeMessage(type: string, value: object): Buffer {
  const message = definitions[`sluice.xray.${type}`] as unknown as { serialize(value: object): Buffer };
  return message.serialize(value);
}

/** The reverse of `encodeMessage`. @throws when the bytes are no such message. */
export function decodeMessage<Value>(type: string, bytes: Uint8Array): Value {
  const message = definitions[`sluice.xray.${type}`] as unknown as { deserialize(bytes: Uint8Array): Value };
  return message.deserialize(bytes);
}

function asIs<Bytes extends Uint8Array>(bytes: Bytes): Bytes {
  return bytes;
}

function lengthPrefixed(tag: number, bytes: Buffer): Buffer {
  if (bytes.length < 128) return Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);
  return Buffer.concat([Buffer.from([tag, (bytes.length & 0x7f) | 0x80, bytes.length >> 7]), bytes]);
}
