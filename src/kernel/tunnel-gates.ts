/**
 * Gates on addresses in a tunnel: what an account may still move, whichever of
 * its devices moves it.
 *
 * A quota per account stands where packets enter and leave the tunnel's device
 * (FORWARD would miss services on the server's own tunnel address), keyed by
 * the address. It counts inner bytes, headers in, in the counted direction.
 */
export interface TunnelGate {
  /** The account's number in the kernel, 1 to 2^21 - 1. */
  readonly number: number;
  /** Addresses and networks of his logins: "10.8.0.2", "fd00::2", "192.0.2.0/24". Each is one account's alone. */
  readonly addresses: readonly string[];
}

export interface TunnelGates extends AsyncDisposable {
  /**
   * Makes the table hold exactly these gates: new ones as shut or as open as
   * `limit` says, known ones as they stand. In one transaction.
   *
   * @param limitOf inner bytes a gate that is made now lets pass; 0 is shut.
   */
  set(gates: readonly TunnelGate[], limitOf: (number: number) => number): Promise<void>;
  /** Inner bytes that met each gate so far, as the kernel counts them; it stands at the limit once that is reached. */
  used(): Promise<
    ReadonlyMap<number, { readonly used: number; readonly limit: number; readonly depleted: boolean }>
  >;
  /** Moves an open gate in place: `limit` is compared with `used`. Not for one that is used up. */
  move(number: number, limit: number): Promise<void>;
  /** Makes a gate anew that lets `left` inner bytes pass: for one that is used up or was shut. 0 shuts. */
  renew(number: number, left: number): Promise<void>;
  /** Whether chains and rules are as they were made: others may have flushed them. */
  intact(): Promise<boolean>;
  /** Takes the whole table away. */
  drop(): Promise<void>;
}
