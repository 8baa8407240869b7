/** The services as `control.proto` has them; apart from their servers, which a client need not load. */
import { fileURLToPath } from "node:url";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const DEFINITIONS = loadSync(fileURLToPath(new URL("../../proto/control.proto", import.meta.url)), {
  longs: Number,
  defaults: true,
});

export const CONTROL_SERVICE = DEFINITIONS["sluice.control.Control"] as ServiceDefinition;
/** What the web may ask for. */
export const WEB_SERVICE = DEFINITIONS["sluice.control.Web"] as ServiceDefinition;
