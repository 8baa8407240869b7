/**
 * A login's last word: what `client-disconnect` told our hook, which the server
 * itself says only once (facts: openvpn, 7).
 *
 * Pure: types only.
 */
import type { Traffic, UnixTime } from "../../units.ts";

export interface FinalFigures {
  /** The spool file it came in. */
  readonly file: string;
  /** When the file was written. */
  readonly writtenAt: UnixTime;
  readonly commonName: string;
  /** The name he signed in with; undefined without one. */
  readonly signedInAs: string | undefined;
  /** When the login began, in whole seconds since 1970; the same moment as in the status. */
  readonly since: number;
  /** How long it lasted, in whole seconds. */
  readonly duration: number;
  /** Where his packets came from: "10.0.0.1:1194", "fd00::1". */
  readonly realAddress: string;
  /** His addresses in the tunnel. */
  readonly addresses: readonly string[];
  /** All link bytes of the login. */
  readonly traffic: Traffic;
}
