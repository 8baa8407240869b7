/**
 * Through which tunnel device the kernel reaches an address.
 *
 * The kernel itself is asked for its route (rtnetlink), so that policy routing,
 * metrics and networks behind clients are what they really are, for IPv4 and
 * IPv6 alike. A tunnel is told by its kind of link: ARPHRD_NONE carries bare IP
 * packets, as OpenVPN's `dev tun` does, with or without data channel offload.
 */
import { constants } from "node:os";
import { addressBytes } from "../addresses.ts";
import { SystemCallError } from "./libc.ts";
import { openNetlink } from "./netlink.ts";
import { attributesOf, encodeAttribute } from "./netlink-messages.ts";

export interface TunnelDevices extends Disposable {
  /** @param address without a prefix. @throws {SystemCallError} when the kernel cannot be asked. */
  toward(address: string): { readonly device: string } | { readonly why: string };
}

const NETLINK_ROUTE = 0;
const RTM_GETLINK = 18;
const RTM_GETROUTE = 26;
const RTA_DST = 1;
const RTA_OIF = 4;
const IFLA_IFNAME = 3;
/** `rtmsg` and `ifinfomsg` in front of the attributes (linux/rtnetlink.h). */
const ROUTE_LENGTH = 12;
const LINK_LENGTH = 16;
/** linux/if_arp.h: no link layer at all. */
const ARPHRD_NONE = 65_534;
const { AF_INET, AF_INET6 } = { AF_INET: 2, AF_INET6: 10 };
const { ENETUNREACH, EHOSTUNREACH, EINVAL, EACCES, ENODEV } = constants.errno;
const UNREACHABLE: ReadonlySet<number> = new Set([ENETUNREACH, EHOSTUNREACH, EINVAL, EACCES]);

/** @throws {KernelUnavailableError} where koffi does not load or such a socket is not to be had. */
export function openTunnelDevices(): TunnelDevices {
  const netlink = openNetlink(NETLINK_ROUTE);

  function routeOf(address: string): number | undefined {
    const bytes = addressBytes(address);
    const fixed = Buffer.alloc(ROUTE_LENGTH);
    fixed.writeUInt8(bytes.length === 4 ? AF_INET : AF_INET6, 0);
    fixed.writeUInt8(bytes.length * 8, 1);
    const payload = Buffer.concat([fixed, encodeAttribute(RTA_DST, bytes)]);
    const [answer] = unless(UNREACHABLE, () => netlink.request({ type: RTM_GETROUTE, dump: false, payload }));
    return answer && attributesOf(answer.payload.subarray(ROUTE_LENGTH)).get(RTA_OIF)?.readUInt32LE();
  }

  function linkOf(index: number): { readonly name: string; readonly type: number } | undefined {
    const payload = Buffer.alloc(LINK_LENGTH);
    payload.writeInt32LE(index, 4);
    const [answer] = unless(new Set([ENODEV]), () =>
      netlink.request({ type: RTM_GETLINK, dump: false, payload }),
    );
    const name = answer && attributesOf(answer.payload.subarray(LINK_LENGTH)).get(IFLA_IFNAME);
    return name && { name: name.subarray(0, -1).toString("latin1"), type: answer.payload.readUInt16LE(2) };
  }

  return {
    toward(address) {
      const index = routeOf(address);
      const link = index === undefined ? undefined : linkOf(index);
      if (!link) return { why: "this host has no route to it" };
      if (link.type === ARPHRD_NONE) return { device: link.name };
      return { why: `its route leads to ${link.name}, which is no tunnel of bare IP packets (dev tun)` };
    },
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

/** Nothing where the kernel answers with one of these errors. */
function unless<Message>(errors: ReadonlySet<number>, ask: () => Message[]): Message[] {
  try {
    return ask();
  } catch (error) {
    if (error instanceof SystemCallError && errors.has(error.errno)) return [];
    throw error;
  }
}
