/**
 * The embedded engine's rpcs: Stats, Handler and Routing.
 *
 * Each service answers under Xray's name and under V2Ray's, as Xray's does. As
 * there, every fault but an unknown counter is UNKNOWN with a sentence. What is
 * not here (the online list) answers UNIMPLEMENTED, as an older engine would.
 * The models: Xray's app/stats/command, app/proxyman/command, app/router/command.
 */
import {
  type Server,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { reasonOf } from "../errors.ts";
import type { EngineCounters } from "./counters.ts";
import { decodeMessage, serviceNamed } from "./messages.ts";
import type { EngineOutbound, EngineState, EngineUser, RoutingRule, TypedMessage } from "./state.ts";

/** From one start of the engine to the next. */
export interface EngineLife {
  readonly counters: EngineCounters;
  readonly state: EngineState;
  /** Whole seconds since it began. */
  readonly uptime: () => number;
}

export function addServices(server: Server, life: EngineLife): void {
  for (const root of ["xray", "v2ray.core"]) {
    server.addService(statsService(`${root}.app.stats.command.StatsService`), statsRpcs(life));
    server.addService(serviceNamed(`${root}.app.proxyman.command.HandlerService`), handlerRpcs(life.state));
    server.addService(serviceNamed(`${root}.app.router.command.RoutingService`), routingRpcs(life.state));
  }
}

/** QueryStats is answered with bytes that are ready to go: thousands of objects, many times a second, cost too much. */
function statsService(fullName: string): ServiceDefinition {
  const service = serviceNamed(fullName);
  return {
    ...service,
    QueryStats: {
      ...(service["QueryStats"] as ServiceDefinition[string]),
      responseSerialize: (bytes: Buffer) => bytes,
    },
  };
}

function statsRpcs({ counters, uptime }: EngineLife): UntypedServiceImplementation {
  return {
    GetStats: unary(({ name, reset }: { name: string; reset: boolean }) => {
      const value = counters.read(name, reset);
      if (value === undefined) throw new NotFound(`${name} not found.`);
      return { stat: { name, value } };
    }),
    QueryStats: unary(({ pattern, reset }: { pattern: string; reset: boolean }) =>
      counters.query(pattern, reset),
    ),
    GetSysStats: unary(() => ({ uptime: uptime() })),
  };
}

function handlerRpcs(state: EngineState): UntypedServiceImplementation {
  return {
    AlterInbound: unary(({ tag, operation }: { tag: string; operation: TypedMessage | null }) => {
      alterInbound(state, tag, operation);
      return {};
    }),
    ListInbounds: unary(() => ({ inbounds: state.inboundTags.map((tag) => ({ tag })) })),
    GetInboundUsers: unary(({ tag, email }: { tag: string; email: string }) => {
      const users = state.usersOf(tag);
      // An unknown e-mail makes Xray send one empty user.
      return { users: email === "" ? [...users.values()] : [users.get(email.toLowerCase()) ?? {}] };
    }),
    GetInboundUsersCount: unary(({ tag }: { tag: string }) => ({ count: state.usersOf(tag).size })),
    AddOutbound: unary(({ outbound }: { outbound: EngineOutbound }) => {
      state.addOutbound(outbound);
      return {};
    }),
    RemoveOutbound: unary(({ tag }: { tag: string }) => {
      state.removeOutbound(tag);
      return {};
    }),
    ListOutbounds: unary(() => ({ outbounds: state.outbounds })),
  };
}

function alterInbound(state: EngineState, tag: string, operation: TypedMessage | null): void {
  const { type, value } = operation ?? { type: "", value: new Uint8Array() };
  switch (type) {
    case "xray.app.proxyman.command.AddUserOperation": {
      const { user } = decodeMessage<{ user: EngineUser }>("AddUserOperation", value);
      state.addUser(tag, user);
      return;
    }
    case "xray.app.proxyman.command.RemoveUserOperation": {
      const { email } = decodeMessage<{ email: string }>("RemoveUserOperation", value);
      state.removeUser(tag, email);
      return;
    }
    default:
      throw new Error("app/proxyman/command: unknown operation > proto: not found");
  }
}

function routingRpcs(state: EngineState): UntypedServiceImplementation {
  return {
    AddRule: unary(({ config, shouldAppend }: { config: TypedMessage | null; shouldAppend: boolean }) => {
      if (config?.type !== "xray.app.router.Config") {
        throw new Error("app/router: AddRule: config type error");
      }
      const { rule } = decodeMessage<{ rule: RoutingRule[] }>("RouterConfig", config.value);
      state.addRules(rule, shouldAppend);
      return {};
    }),
    RemoveRule: unary(({ ruleTag }: { ruleTag: string }) => {
      state.removeRule(ruleTag);
      return {};
    }),
    ListRule: unary(() => ({ rules: state.rules })),
  };
}

class NotFound extends Error {}

function unary<Request>(answer: (request: Request) => object) {
  return (call: ServerUnaryCall<Request, object>, reply: sendUnaryData<object>): void => {
    try {
      reply(null, answer(call.request));
    } catch (error) {
      const code = error instanceof NotFound ? status.NOT_FOUND : status.UNKNOWN;
      reply({ code, details: reasonOf(error) });
    }
  };
}
