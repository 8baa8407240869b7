/** `openvpn setup`. */
import { RefusedRequestError } from "../../errors.ts";
import type { Common } from "./command-line.ts";

export interface OpenvpnSetupOptions extends Common {
  readonly server?: string;
  readonly undo?: boolean;
  readonly yes?: boolean;
  readonly clientAuth?: boolean;
  readonly keepHooks?: boolean;
}

export async function setupOpenvpn(_options: OpenvpnSetupOptions): Promise<void> {
  throw new RefusedRequestError("Cannot set up a server: this is not there yet");
}
