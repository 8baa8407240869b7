/** What a cut needs of the gates in the kernel: the seam between an engine's enforcer and whoever keeps them. */
import type { UserName } from "../../names.ts";

export interface AccountGates {
  /**
   * Lets nothing of the account's pass any more, on all his marked connections.
   *
   * @returns whether his bytes were seen to pass that gate, all of them.
   */
  shut(user: UserName): Promise<boolean>;
  /** Lets pass what his limits leave. Nothing while he is denied. */
  open(user: UserName): Promise<void>;
  /** Ends every marked connection of the account: TCP, and UDP with its tracked flows. @throws {KernelUnavailableError} */
  end(user: UserName): { readonly tcp: number; readonly udp: number };
}
