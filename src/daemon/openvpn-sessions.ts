/**
 * Tells of the logins at one OpenVPN server: to the history as they grow, and in
 * an event when they end, in the words that operators of older monitors look for.
 */
import { durationText } from "../duration-text.ts";
import type { LoginRecord } from "../history/records.ts";
import type { KeeperName, UserName } from "../names.ts";
import type { EndedLogin, SeenLogin } from "../sources/openvpn/login-readings.ts";
import type { EventFile } from "../storage/events.ts";
import type { Traffic, UnixTime } from "../units.ts";
import { OPENVPN } from "./openvpn-view.ts";

export interface OpenvpnSessionsOptions {
  readonly keeper: KeeperName;
  readonly events: EventFile;
  readonly accountOf: (user: UserName) => UserName;
  /** Whether his account is denied now. */
  readonly isDenied: (user: UserName) => boolean;
  /** The history's ear. */
  readonly onLogin: (record: LoginRecord) => void;
}

/** Milliseconds, on a busy machine too: a login that got through is seen by a look within a second. */
const MOST_AT_THE_DOOR = 5_000;

export class OpenvpnSessions {
  readonly #options: OpenvpnSessionsOptions;

  constructor(options: OpenvpnSessionsOptions) {
    this.#options = options;
  }

  /** A login that lasts has moved, or was met. */
  goesOn(seen: SeenLogin): void {
    this.#options.onLogin(this.#recordOf(seen, seen.login.traffic, undefined, false));
  }

  ended(end: EndedLogin): void {
    const { login, endedAt, traffic, exact } = end;
    const { keeper, events, onLogin, isDenied } = this.#options;
    // Refused at the door, as often as his client tries: the server calls that a login, and nobody else does.
    if (
      login.clientId === undefined &&
      endedAt - login.since * 1000 < MOST_AT_THE_DOOR &&
      isDenied(login.user)
    )
      return;
    onLogin(this.#recordOf(end, traffic, endedAt, exact));
    const duration = Math.max(0, Math.round(endedAt / 1000) - login.since);
    const about = exact ? "" : ", as of the last look";
    events.record(
      "session-ended",
      `Session of ${login.user} at ${keeper} ended after ${durationText(duration * 1000)}: ${traffic.downlink} bytes sent, ${traffic.uplink} bytes received (${login.realAddress})${about}`,
      {
        ...{ user: login.user, keeper, began_ms: login.since * 1000, duration_s: duration, exact },
        ...{ uplink_bytes: traffic.uplink, downlink_bytes: traffic.downlink },
        ...{ real_address: login.realAddress, tunnel_address: login.addresses.join(" ") },
      },
    );
  }

  #recordOf(
    { login, counter }: SeenLogin,
    traffic: Traffic,
    ended: UnixTime | undefined,
    exact: boolean,
  ): LoginRecord {
    const { keeper, accountOf } = this.#options;
    return {
      id: counter,
      account: accountOf(login.user),
      service: OPENVPN,
      keeper,
      began: login.since * 1000,
      ended,
      realAddress: login.realAddress,
      address4: login.addresses.find((address) => !address.includes(":")) ?? "",
      address6: login.addresses.find((address) => address.includes(":")) ?? "",
      up: traffic.uplink,
      down: traffic.downlink,
      exact,
    };
  }
}
