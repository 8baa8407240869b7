/** The calls that both services have: the administrator's and the web's. */
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { refuse, stream, unary } from "./answering.ts";
import type { LimitRequest, SharedDesk, UserList, Watch, WatchRequest } from "./rows.ts";

/** Whom an order is put down to, by the `actor` that came with it. @throws {RefusedRequestError} for one that cannot be. */
export type Author = (actor: string) => string;

interface Order {
  readonly actor: string;
}

export function sharedCalls(desk: SharedDesk, author: Author) {
  return {
    Status: unary(() => desk.status()),
    ListUsers: unary(async ({ name }: { name: string }) => listOf(await desk.listUsers(name))),
    SetLimit: unary(async ({ actor, ...request }: LimitRequest & Order) =>
      desk.setLimit(request, author(actor)),
    ),
    Reset: unary(async ({ name, all, actor }: { name: string; all: boolean } & Order) =>
      listOf(await desk.reset({ name, all }, author(actor))),
    ),
    SetDisabled: unary(async ({ name, disabled, actor }: { name: string; disabled: boolean } & Order) =>
      desk.setDisabled(name, disabled, author(actor)),
    ),
    Delete: unary(async ({ name, keepLogin, actor }: { name: string; keepLogin: boolean } & Order) => {
      await desk.delete(name, keepLogin, author(actor));
      return {};
    }),
    Watch: (call: ServerDuplexStream<WatchRequest, UserList>) => watch(desk, call),
    OpenvpnServers: unary(async () => ({ servers: await desk.openvpnServers() })),
    OpenvpnLogins: unary(async () => ({ logins: await desk.openvpnLogins() })),
    OpenvpnKick: unary(async ({ name, actor }: { name: string } & Order) =>
      desk.openvpnKick(name, author(actor)),
    ),
  };
}

function listOf(users: UserList["users"]): UserList {
  return { users, gone: [], readMs: 0 };
}

function watch(desk: SharedDesk, call: ServerDuplexStream<WatchRequest, UserList>): void {
  const ended = new AbortController();
  call.on("cancelled", () => ended.abort());
  call.on("close", () => ended.abort());
  let watching: Watch | undefined;
  call.on("data", (request: WatchRequest) => {
    try {
      if (watching) return watching.change(request);
      watching = desk.watch(request, ended.signal);
      void stream(watching, call);
    } catch (error) {
      refuse(call, error);
    }
  });
}
