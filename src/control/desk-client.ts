/** What both services have, over their Unix sockets: the base of their clients. */
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { RefusedRequestError, UnknownUserError, UnreachableError } from "../errors.ts";
import type {
  KickReply,
  LimitRequest,
  OpenvpnLoginRow,
  OpenvpnServerRow,
  SharedDesk,
  Status,
  UserList,
  UserRow,
  Watch,
  WatchRequest,
} from "./rows.ts";

const DEADLINE_MS = 30_000;
const CHANNEL = {
  // A daemon that was restarted is found again at once: by itself gRPC would wait up to two minutes.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // 10,000 accounts take some 4 MB, which by itself is the most.
  "grpc.max_receive_message_length": 64 << 20,
};

/** Whoever ordered something is told to the daemon; on the admin's socket it does not listen. */
export class DeskClient implements SharedDesk, Disposable {
  readonly #client: Client;
  readonly #service: ServiceDefinition;
  readonly #path: string;

  constructor(service: ServiceDefinition, path: string) {
    this.#service = service;
    this.#path = path;
    this.#client = new Client(`unix:${path}`, credentials.createInsecure(), CHANNEL);
  }

  status(): Promise<Status> {
    return this.call("Status", {});
  }

  async listUsers(name: string): Promise<readonly UserRow[]> {
    return (await this.call<UserList>("ListUsers", { name })).users;
  }

  setLimit(request: LimitRequest, actor = ""): Promise<UserRow> {
    return this.call("SetLimit", { ...request, actor });
  }

  async reset(
    names: { readonly name: string; readonly all: boolean },
    actor = "",
  ): Promise<readonly UserRow[]> {
    return (await this.call<UserList>("Reset", { ...names, actor })).users;
  }

  setDisabled(name: string, disabled: boolean, actor = ""): Promise<UserRow> {
    return this.call("SetDisabled", { name, disabled, actor });
  }

  async delete(name: string, keepLogin: boolean, actor = ""): Promise<void> {
    await this.call("Delete", { name, keepLogin, actor });
  }

  async openvpnServers(): Promise<readonly OpenvpnServerRow[]> {
    return (await this.call<{ servers: readonly OpenvpnServerRow[] }>("OpenvpnServers", {})).servers;
  }

  async openvpnLogins(): Promise<readonly OpenvpnLoginRow[]> {
    return (await this.call<{ logins: readonly OpenvpnLoginRow[] }>("OpenvpnLogins", {})).logins;
  }

  openvpnKick(name: string, actor = ""): Promise<KickReply> {
    return this.call("OpenvpnKick", { name, actor });
  }

  watch(request: WatchRequest, signal: AbortSignal): Watch {
    const { path, requestSerialize, responseDeserialize } = this.#method("Watch");
    const stream: ClientDuplexStream<WatchRequest, UserList> = this.#client.makeBidiStreamRequest(
      path,
      requestSerialize as (request: WatchRequest) => Buffer,
      responseDeserialize as (answer: Buffer) => UserList,
    );
    stream.write(request);
    return {
      change: (next) => void stream.write(next),
      [Symbol.asyncIterator]: () => this.#lists(stream, signal),
    };
  }

  async *#lists(
    stream: ClientDuplexStream<WatchRequest, UserList>,
    signal: AbortSignal,
  ): AsyncGenerator<UserList> {
    const cancel = () => stream.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      yield* stream;
    } catch (error) {
      if (signal.aborted) return;
      const { code } = error as ServiceError;
      if (code !== status.CANCELLED) throw this.#asError(error as ServiceError, "");
      throw new UnreachableError(`The daemon at ${this.#path} has stopped`, { cause: error });
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  protected async *stream<Answer>(name: string, request: object): AsyncGenerator<Answer> {
    const { path, requestSerialize, responseDeserialize } = this.#method(name);
    const answers: ClientReadableStream<Answer> & AsyncIterable<Answer> =
      this.#client.makeServerStreamRequest(
        path,
        requestSerialize as (request: object) => Buffer,
        responseDeserialize as (answer: Buffer) => Answer,
        request,
      );
    try {
      yield* answers;
    } catch (error) {
      throw this.#asError(error as ServiceError, "");
    }
  }

  protected call<Answer>(name: string, request: object, deadlineMs = DEADLINE_MS): Promise<Answer> {
    const { path, requestSerialize, responseDeserialize } = this.#method(name);
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize as (request: object) => Buffer,
        responseDeserialize as (answer: Buffer) => Answer,
        request,
        new Metadata(),
        { deadline: Date.now() + deadlineMs },
        (error, answer) => {
          if (error) reject(this.#asError(error, (request as { name?: string }).name ?? ""));
          else resolve(answer as Answer);
        },
      );
    });
  }

  /** The daemon's error as it was: its code stands in front of the details. */
  #asError(error: ServiceError, user: string): Error {
    const [, known, message] = /^([A-Z_]+) (.*)$/s.exec(error.details) ?? [];
    if (known === "UNKNOWN_USER") return new UnknownUserError(user);
    if (known === "REFUSED") return new RefusedRequestError(message, { cause: error });
    if (known !== undefined && known !== "UNREACHABLE") return new Error(message, { cause: error });
    return new UnreachableError(`Cannot ask the daemon at ${this.#path}: ${message ?? error.details}`, {
      cause: error,
    });
  }

  #method(name: string) {
    const found = this.#service[name];
    if (!found) throw new TypeError(`Cannot call ${name}: the service has no such method`);
    return found;
  }
}
