/**
 * From flows to sights: which way a flow goes, whose it is, and where its client sits.
 *
 *   inbound    a client comes to this host: what it presents is seen as it is
 *   outbound   this host, or a client behind a tunnel of its own, goes somewhere; an
 *              account's flow is put down to the account's service
 */
import { addressText } from "../address-text.ts";
import type { UserName } from "../names.ts";
import type { EnforcerLine } from "./enforcer-line.ts";
import type { NamedAddresses } from "./named-addresses.ts";
import type { OwnPlaces } from "./own-places.ts";
import type { FlowSight } from "./packets/flow-table.ts";
import type { Service, Sighting } from "./sighting.ts";
import type { Whereabouts } from "./whereabouts.ts";

export interface FlowSightsOptions {
  readonly own: OwnPlaces;
  readonly direction: "both" | "inbound" | "outbound";
  readonly enforcer: Pick<EnforcerLine, "ask">;
  readonly whereabouts: Whereabouts;
  readonly named: NamedAddresses;
  /** The service of an account of an engine, by the inbound it comes through. */
  readonly serviceOf: (account: UserName) => Service;
  readonly onSight: (sighting: Sighting) => void;
}

export class FlowSights {
  readonly #options: FlowSightsOptions;

  constructor(options: FlowSightsOptions) {
    this.#options = options;
  }

  take(sight: FlowSight): void {
    const { own, direction, named } = this.#options;
    const inbound = own.hasAddress(sight.destination);
    if (direction !== "both" && inbound !== (direction === "inbound")) return;
    if (inbound) {
      this.#tell(sight, undefined, own.hasAddress(sight.source) ? undefined : addressText(sight.source));
      return;
    }
    if (sight.names) named.name(addressText(sight.destination), sight.at);
    if (own.isTunnelled(sight.source)) this.#tell(sight, "OPENVPN", addressText(sight.source));
    else if (own.hasAddress(sight.source)) this.#askWhose(sight);
    else this.#tell(sight, undefined, addressText(sight.source));
  }

  #askWhose(sight: FlowSight): void {
    const { enforcer, whereabouts, serviceOf } = this.#options;
    const { protocol, sourcePort, destinationPort } = sight;
    const flow = {
      ...{ protocol, sourcePort, destinationPort },
      source: addressText(sight.source),
      destination: addressText(sight.destination),
    };
    enforcer.ask(flow, (owner) => {
      if (!owner) return this.#tell(sight, undefined, undefined);
      const { account, keeper } = owner;
      const last = whereabouts.of(keeper, account);
      const service = last?.service ?? (keeper === "ssh" ? "SSH" : serviceOf(account));
      this.#tell(sight, service, last?.address, account);
    });
  }

  /** @param service the account's or the tunnel's; undefined for what the packet itself shows. */
  #tell(
    sight: FlowSight,
    service: Service | undefined,
    source: string | undefined,
    account?: UserName,
  ): void {
    const { onSight } = this.#options;
    const seen = { source, at: sight.at, ...(account === undefined ? {} : { account }) };
    if (!sight.names) onSight({ ...seen, host: addressText(sight.destination), service: "IP" });
    for (const { name, service: shown, ech } of sight.names ?? []) {
      onSight({ ...seen, host: name, service: service ?? shown, ...(ech ? { ech } : {}) });
    }
  }
}
