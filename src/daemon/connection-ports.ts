/**
 * At which ports of this host clients come in, as settings and config files say.
 *
 * An inbound that only this host can reach has a proxy in front, and the people
 * are at the proxy's ports: where no engine has an inbound that can be reached
 * from outside, theirs are taken for the engine's.
 *
 * Pure: no I/O, no state between calls.
 */
import { canonicalAddress, isLoopback } from "../addresses.ts";
import type { PortClaims } from "../history/connections/served-ports.ts";
import type { EngineConfig } from "../sources/xray/engine-config.ts";
import type { EngineInbound } from "../sources/xray/engine-inbounds.ts";

export interface ClientDoors {
  readonly engines: readonly {
    readonly config: Pick<EngineConfig, "inbounds" | "apiTag"> | undefined;
    /** Where its API answers on the loopback. */
    readonly apiPort: number | undefined;
  }[];
  /** Undefined for a server whose config is not known. */
  readonly openvpn: readonly ({ readonly protocol: string; readonly port: number } | undefined)[];
  /** Whether SSH is metered. */
  readonly ssh: boolean;
}

const SSH_DAEMONS = ["sshd", "dropbear", "dropbearmulti"];
const PROXIES = ["nginx", "haproxy", "caddy", "traefik"];

export function portClaims({ engines, openvpn, ssh }: ClientDoors): PortClaims {
  const inbounds = engines.flatMap(({ config, apiPort }) =>
    (config?.inbounds ?? []).filter((inbound) => !isApi(inbound, config?.apiTag, apiPort)),
  );
  const outside = inbounds.filter(({ listen }) => !isInside(listen));
  const servers = openvpn.filter((server) => server !== undefined);
  return {
    ports: [
      // Which of both an inbound takes is not read: a UDP port counts once a socket is bound to it.
      ...outside.map(({ ports }) => ({ service: "xray", transports: ["tcp", "udp"] as const, ports })),
      ...servers.map(({ protocol, port }) => ({
        service: "openvpn",
        transports: [protocol.startsWith("tcp") ? ("tcp" as const) : ("udp" as const)],
        ports: [port],
      })),
    ],
    programs: [
      ...(ssh ? [{ service: "ssh", names: SSH_DAEMONS }] : []),
      ...(inbounds.length > 0 && outside.length === 0 ? [{ service: "xray", names: PROXIES }] : []),
    ],
  };
}

function isApi(
  { tag, ports }: EngineInbound,
  apiTag: string | undefined,
  apiPort: number | undefined,
): boolean {
  return (tag !== undefined && tag === apiTag) || (apiPort !== undefined && ports.includes(apiPort));
}

/** A Unix socket, or an address of the loopback. */
function isInside(listen: string | undefined): boolean {
  if (listen === undefined) return false;
  return /^[/@]/.test(listen) || listen === "localhost" || isLoopback(canonicalAddress(listen) ?? "");
}
