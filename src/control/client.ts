/** The desk of a running daemon, over its Unix socket. */
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { RefusedRequestError, UnknownUserError, UnreachableError } from "../errors.ts";
import { CONTROL_SERVICE } from "./definition.ts";
import type {
  Desk,
  GateRow,
  ImportFailure,
  ImportRow,
  KickReply,
  LastLookReply,
  LimitRequest,
  OpenvpnLoginRow,
  OpenvpnServerRow,
  Status,
  UserList,
  UserRow,
  Watch,
  WatchRequest,
} from "./rows.ts";

const DEADLINE_MS = 30_000;
/** An engine's stop waits for it: short of the eight seconds it may take with everything. */
const LAST_LOOK_DEADLINE_MS = 7_000;

export class ControlClient implements Desk, Disposable {
  readonly #client: Client;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    this.#client = new Client(`unix:${path}`, credentials.createInsecure());
  }

  status(): Promise<Status> {
    return this.#call("Status", {});
  }

  async listUsers(name: string): Promise<readonly UserRow[]> {
    return (await this.#call<UserList>("ListUsers", { name })).users;
  }

  setLimit(request: LimitRequest): Promise<UserRow> {
    return this.#call("SetLimit", request);
  }

  async reset(names: { readonly name: string; readonly all: boolean }): Promise<readonly UserRow[]> {
    return (await this.#call<UserList>("Reset", names)).users;
  }

  setDisabled(name: string, disabled: boolean): Promise<UserRow> {
    return this.#call("SetDisabled", { name, disabled });
  }

  async delete(name: string, keepLogin: boolean): Promise<void> {
    await this.#call("Delete", { name, keepLogin });
  }

  async listGates(users: readonly string[]): Promise<readonly GateRow[]> {
    return (await this.#call<{ gates: readonly GateRow[] }>("ListGates", { users })).gates;
  }

  lastLook(engine: string): Promise<LastLookReply> {
    return this.#call("LastLook", { engine }, LAST_LOOK_DEADLINE_MS);
  }

  async importAccounts(rows: readonly ImportRow[]): Promise<readonly ImportFailure[]> {
    return (await this.#call<{ failures: readonly ImportFailure[] }>("ImportAccounts", { rows })).failures;
  }

  async *snapshot(): AsyncIterable<readonly string[]> {
    try {
      for await (const { accounts } of this.#stream<{ accounts: readonly string[] }>("Snapshot", {})) {
        yield accounts;
      }
    } catch (error) {
      throw this.#asError(error as ServiceError, "");
    }
  }

  async openvpnServers(): Promise<readonly OpenvpnServerRow[]> {
    return (await this.#call<{ servers: readonly OpenvpnServerRow[] }>("OpenvpnServers", {})).servers;
  }

  async openvpnLogins(): Promise<readonly OpenvpnLoginRow[]> {
    return (await this.#call<{ logins: readonly OpenvpnLoginRow[] }>("OpenvpnLogins", {})).logins;
  }

  openvpnKick(name: string): Promise<KickReply> {
    return this.#call("OpenvpnKick", { name });
  }

  watch(request: WatchRequest, signal: AbortSignal): Watch {
    const { path, requestSerialize, responseDeserialize } = method("Watch");
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

  #stream<Answer>(name: string, request: object): ClientReadableStream<Answer> & AsyncIterable<Answer> {
    const { path, requestSerialize, responseDeserialize } = method(name);
    return this.#client.makeServerStreamRequest(
      path,
      requestSerialize as (request: object) => Buffer,
      responseDeserialize as (answer: Buffer) => Answer,
      request,
    );
  }

  #call<Answer>(name: string, request: object, deadlineMs = DEADLINE_MS): Promise<Answer> {
    const { path, requestSerialize, responseDeserialize } = method(name);
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
}

function method(name: string) {
  const found = CONTROL_SERVICE[name];
  if (!found) throw new TypeError(`Cannot call ${name}: the control service has no such method`);
  return found;
}
