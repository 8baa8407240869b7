/**
 * The engine's messages and services, as `proto/xray.proto` writes them.
 *
 * The file has one package; on the wire a service is known under the name its
 * engine gave it, so paths are put together here.
 */
import { fileURLToPath } from "node:url";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadSync, type MessageTypeDefinition } from "@grpc/proto-loader";

const definitions = loadSync(fileURLToPath(new URL("../../proto/xray.proto", import.meta.url)), {
  longs: String,
  defaults: true,
});

/** A service under another full name, such as "xray.app.stats.command.StatsService". */
export function serviceNamed(fullName: string): ServiceDefinition {
  const service = definitions[`sluice.xray.${fullName.slice(fullName.lastIndexOf(".") + 1)}`];
  return Object.fromEntries(
    Object.entries(service as ServiceDefinition).map(([method, definition]) => [
      method,
      { ...definition, path: `/${fullName}/${method}` },
    ]),
  );
}

/** @param type a message of `proto/xray.proto`. */
export function encodeMessage(type: string, value: object): Buffer {
  return messageNamed(type).serialize(value);
}

/** @throws when the bytes are no such message. */
export function decodeMessage<Value>(type: string, value: Uint8Array): Value {
  return messageNamed(type).deserialize(Buffer.from(value)) as Value;
}

function messageNamed(type: string): MessageTypeDefinition<object, object> {
  return definitions[`sluice.xray.${type}`] as MessageTypeDefinition<object, object>;
}
