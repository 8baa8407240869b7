/**
 * The rules of gates on tunnel addresses, in nft's own language.
 *
 * What enters a tunnel's device is looked up by its source, before connection
 * tracking: what is dropped leaves no flow behind. What leaves into it is looked
 * up by its destination, behind all translation of addresses, when nobody else
 * will drop it. On other devices the addresses mean nothing, so packets forged
 * outside use nobody's gate up. A packet of nobody's costs a miss in each map.
 *
 * The direction that no limit counts has maps of its own: they hold only whoever
 * is shut out, so that he moves nothing that way either.
 *
 * Networks behind a client lie in maps of their own, since a look-up in ranges
 * costs more than one in a hash.
 *
 * Pure: no clock, no I/O.
 */
import type { CountRule } from "../rules.ts";
import { quotaName } from "./account-marks.ts";
import type { NftChange } from "./nftables.ts";
import type { TunnelPlace } from "./tunnel-places.ts";

export const TUNNEL_TABLE = "sluice-openvpn";
/** The form of chains and maps, as the name of a counter: a table of another form is replaced whole. */
export const TUNNEL_LAYOUT = "layout-tunnel-1";

type Element = Extract<NftChange, { kind: "add-element" }>;
/** The content of all sets, by set and key. */
export type ElementSets = ReadonlyMap<string, Element>;

/** Devices whose packets are looked at. */
const TUNNELS = "tunnels";
const GATES = "gate";
const SHUT = "shut";
const MAPS = [GATES, SHUT].flatMap((use) =>
  [4, 6].flatMap((family) => [`${use}${family}`, `${use}net${family}`]),
);

/** Raw's priority: before connection tracking (-200). */
const BEFORE_TRACKING = -300;
/** Behind the translation of source addresses (100), and behind what others filter. */
const BEHIND_ALL = 300;

/** One transaction that makes table, maps and rules, or brings those that are there into this form; elements stay. */
export function tunnelScript(epoch: string, count: CountRule): string {
  const add = (kind: string, what: string) => `add ${kind} inet ${TUNNEL_TABLE} ${what}`;
  const key = (map: string) => (map.endsWith("4") ? "ipv4_addr" : "ipv6_addr");
  const interval = (map: string) => (map.includes("net") ? " flags interval;" : "");
  const chains = [
    ["up", "saddr", count !== "downlink"],
    ["down", "daddr", count !== "uplink"],
  ] as const;
  const statements = [
    `add table inet ${TUNNEL_TABLE}`,
    ...[epoch, TUNNEL_LAYOUT].map((name) => add("counter", name)),
    add("set", `${TUNNELS} { type ifname; }`),
    ...MAPS.map((map) => add("map", `${map} { type ${key(map)} : quota;${interval(map)} }`)),
    ...chains.map(([name]) => add("chain", name)),
    add("chain", `prerouting ${hook("prerouting", BEFORE_TRACKING)}`),
    add("chain", `postrouting ${hook("postrouting", BEHIND_ALL)}`),
    ...["up", "down", "prerouting", "postrouting"].map((name) => `flush chain inet ${TUNNEL_TABLE} ${name}`),
    ...chains.flatMap(([name, side, counted]) =>
      MAPS.filter((map) => map.startsWith(counted ? GATES : SHUT)).map((map) =>
        add("rule", `${name} quota name ${map.endsWith("4") ? "ip" : "ip6"} ${side} map @${map} drop`),
      ),
    ),
    add("rule", `prerouting iifname @${TUNNELS} goto up`),
    add("rule", `postrouting oifname @${TUNNELS} goto down`),
  ];
  return `${statements.join("\n")}\n`;
}

/** Good whether the table is there or not. */
export function tunnelRemoval(): string {
  return `add table inet ${TUNNEL_TABLE}\ndelete table inet ${TUNNEL_TABLE}\n`;
}

/** What puts an account's places under its quota. @param shut in both directions, whatever is counted. */
export function gateElements(number: number, places: readonly TunnelPlace[], shut: boolean): Element[] {
  return [GATES, ...(shut ? [SHUT] : [])].flatMap((use) =>
    places.map(({ family, key }) => ({
      kind: "add-element",
      set: `${use}${"range" in key ? "net" : ""}${family}`,
      key,
      value: { quota: quotaName(number) },
    })),
  );
}

export function deviceElement(device: string): Element {
  return { kind: "add-element", set: TUNNELS, key: { device } };
}

export function elementSets(elements: readonly Element[]): ElementSets {
  return new Map(elements.map((each) => [`${each.set} ${Object.values(each.key).join()}`, each]));
}

/** What must go on the way from one content to the other; all there is where that is not known. */
export function elementRemovals(from: ElementSets | undefined, to: ElementSets): NftChange[] {
  if (!from) return [TUNNELS, ...MAPS].map((set) => ({ kind: "flush-set", set }));
  return missingFrom(to, from).map(({ set, key }) => ({ kind: "delete-element", set, key }));
}

/** What must come, once those are gone. */
export function elementAdditions(from: ElementSets | undefined, to: ElementSets): NftChange[] {
  return missingFrom(from ?? new Map(), to);
}

/**
 * Elements of `content` that are not in `there`, or stand there for another
 * quota. One set behind the other: neighbours share a message.
 */
function missingFrom(there: ElementSets, content: ElementSets): Element[] {
  const missing = [...content].flatMap(([id, element]) => {
    const other = there.get(id);
    return other && quotaIn(other) === quotaIn(element) ? [] : [element];
  });
  return [...Map.groupBy(missing, ({ set }) => set).values()].flat();
}

function quotaIn({ value }: Element): string | undefined {
  return value && "quota" in value ? value.quota : undefined;
}

function hook(name: string, priority: number): string {
  return `{ type filter hook ${name} priority ${priority}; policy accept; }`;
}
