/** Calls an engine's API as a test wants it: any service, any method, answers as plain objects. */
import { Client, credentials, type ServiceDefinition, type ServiceError } from "@grpc/grpc-js";
import { serviceNamed } from "../../src/demo/messages.ts";

export interface EngineApi extends Disposable {
  readonly client: Client;
  /**
   * @param service "Stats", "Handler" or "Routing": under V2Ray's name, which every engine answers to; or a full name.
   * @throws {ServiceError} as the engine or the channel gave it, within `deadlineMs`.
   */
  call<Answer = Record<string, unknown>>(
    service: string,
    method: string,
    request?: object,
    deadlineMs?: number,
  ): Promise<Answer>;
}

const SERVICES: Readonly<Record<string, string>> = {
  Stats: "v2ray.core.app.stats.command.StatsService",
  Handler: "v2ray.core.app.proxyman.command.HandlerService",
  Routing: "v2ray.core.app.router.command.RoutingService",
  Logger: "v2ray.core.app.log.command.LoggerService",
};

/** @param target as grpc-js takes it: "127.0.0.1:10085", "unix:/path". */
export function engineApi(target: string): EngineApi {
  const client = new Client(target, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.initial_reconnect_backoff_ms": 50,
    "grpc.max_reconnect_backoff_ms": 200,
  });
  return {
    client,
    call: (service, method, request = {}, deadlineMs = 5_000) => {
      const definition = serviceNamed(SERVICES[service] ?? service)[method] as ServiceDefinition[string];
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          definition.path,
          definition.requestSerialize,
          definition.responseDeserialize,
          request,
          { deadline: Date.now() + deadlineMs },
          (error: ServiceError | null, answer) => (error ? reject(error) : resolve(answer as never)),
        );
      });
    },
    [Symbol.dispose]: () => client.close(),
  };
}

/** One direction of a user's counter, in bytes. @throws {ServiceError} while there is none. */
export async function userCounter(
  api: EngineApi,
  email: string,
  direction: "uplink" | "downlink",
): Promise<number> {
  const name = `user>>>${email}>>>traffic>>>${direction}`;
  const { stat } = await api.call<{ stat: { value: string } }>("Stats", "GetStats", { name });
  return Number(stat.value);
}
