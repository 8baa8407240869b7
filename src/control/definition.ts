/** The control service as `control.proto` has it; apart from its server, which a client need not load. */
import { fileURLToPath } from "node:url";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

export const CONTROL_SERVICE = loadSync(
  fileURLToPath(new URL("../../proto/control.proto", import.meta.url)),
  {
    longs: Number,
    defaults: true,
  },
)["sluice.control.Control"] as ServiceDefinition;
