/**
 * The rules of our tables in nft's own language: one for logins, one for the
 * outbounds of engines.
 *
 * A flow gets its account's conntrack mark once, and only where nobody marked it
 * before: from the uid or the cgroup of the socket that sends its first packet,
 * or from the mark that an engine gave to that socket itself (SO_MARK). From then on each packet costs one look-up in a map from mark to
 * quota and one from mark to counter, however many accounts there are. The
 * quota stands in front: what it drops is not counted.
 *
 * On the loopback a flow passes both hooks with both of its ends, so it is
 * counted on its way out alone, and the direction tells whose packet it is: of
 * a flow the user's socket was first seen to answer on, the mark is the reverse
 * one, and its maps are crossed.
 *
 * The priority lies behind other firewalls' (0): what they drop is not counted.
 * The rules were tried one by one (facts: kernel, pitfalls).
 *
 * Pure: no clock, no I/O.
 */
import type { CountRule } from "../rules.ts";
import {
  downlinkCounter,
  hex,
  MARK_PREFIX,
  MARK_PREFIX_MASK,
  type Marks,
  marksOf,
  quotaName,
  SERVICE_MASK,
  SERVICE_SSH,
  SERVICE_XRAY,
  uplinkCounter,
} from "./account-marks.ts";
import { elementText } from "./nft-text.ts";
import type { NftChange } from "./nftables.ts";

/** A table, and what its accounts' sockets are known by. */
export interface TableForm {
  readonly name: string;
  /** As in the marks. */
  readonly service: number;
  readonly knownBy: "owner" | "mark";
}

/** Logins: sockets owned by a uid, or in a cgroup. */
export const LOGINS: TableForm = { name: "sluice", service: SERVICE_SSH, knownBy: "owner" };
/** Outbounds of Xray and V2Ray: sockets the engine marked. */
export const OUTBOUNDS: TableForm = { name: "sluice-xray", service: SERVICE_XRAY, knownBy: "mark" };

/** The form of chains and maps, as the name of a counter: a table of another form is replaced whole. */
export const LAYOUT = "layout-1";
/** Bytes of metered accounts on flows that carry somebody else's mark, or that are not tracked: they pass uncounted. */
export const FOREIGN_MARKS = "foreign-marks";
export const NO_TRACKING = "no-tracking";

/** One account in a table. */
export interface Slot {
  /** The account's number, 1 to 2^21 - 1. */
  readonly number: number;
  /** The uid that owns his far-side sockets; undefined where they are known by their mark. */
  readonly uid: number | undefined;
}

/** A slot with its gate: counted bytes at which it shuts, and where its quota begins if it is made anew. */
export interface GatedSlot extends Slot {
  readonly limit: number;
  readonly used: number;
  /** The quota that is there stays, with what it has consumed. */
  readonly keep: boolean;
}

export interface ScriptOptions {
  readonly form: TableForm;
  /** The name of a counter that says which life of the table this is. */
  readonly epoch: string;
  /** Which direction the gates measure; undefined: there are no gates. */
  readonly gated: CountRule | undefined;
  /** How deep the cgroups lie whose flows are marked; undefined where kernel or nft know no `socket cgroupv2`. */
  readonly cgroupLevel: number | undefined;
}

const COUNTER_MAPS = ["up", "down", "original", "reply"];
const GATE_MAPS = ["gate_up", "gate_down", "gate_original", "gate_reply"];
const UID_MAPS = ["mark_of_uid", "reverse_mark_of_uid"];
const CGROUP_MAPS = ["mark_of_cgroup", "reverse_mark_of_cgroup"];
/** Elements in one statement: nft reads a line whole. */
const ELEMENTS_PER_LINE = 500;

/**
 * One transaction that makes the table, or brings the one that is there into
 * this form, with these logins in its maps and no others; `gone` are the objects
 * of accounts it still has. What it knows of cgroups stays.
 */
export function tableScript(
  options: ScriptOptions,
  slots: readonly GatedSlot[],
  gone: readonly { readonly kind: "counter" | "quota"; readonly name: string }[],
): string {
  const { form, epoch, gated, cgroupLevel } = options;
  const add = (kind: string, what: string) => `add ${kind} inet ${form.name} ${what}`;
  const byOwner = form.knownBy === "owner";
  const maps = [...(byOwner ? UID_MAPS : []), ...COUNTER_MAPS, ...GATE_MAPS];
  const statements = [
    `add table inet ${form.name}`,
    ...[epoch, LAYOUT, FOREIGN_MARKS, NO_TRACKING].map((name) => add("counter", name)),
    ...(byOwner ? [add("set", "uids { type uid; }")] : []),
    ...(byOwner ? UID_MAPS : []).map((name) => add("map", `${name} { type uid : mark; }`)),
    ...(cgroupLevel === undefined ? [] : CGROUP_MAPS).map((name) =>
      add("map", `${name} { type cgroupsv2 : mark; }`),
    ),
    ...COUNTER_MAPS.map((name) => add("map", `${name} { type mark : counter; }`)),
    ...GATE_MAPS.map((name) => add("map", `${name} { type mark : quota; }`)),
    ...chains(form, cgroupLevel),
    ...(byOwner ? [`flush set inet ${form.name} uids`] : []),
    ...maps.map((name) => `flush map inet ${form.name} ${name}`),
    ...gone.map(({ kind, name }) => `delete ${kind} inet ${form.name} ${name}`),
    ...slots.flatMap((slot) => objects(form, slot)),
    ...elements(
      form,
      slots.flatMap((slot) => slotElements(form, slot, gated)),
    ),
  ];
  return `${statements.join("\n")}\n`;
}

/** What puts one more account into a table that stands. */
export function slotChanges(form: TableForm, slot: GatedSlot, gated: CountRule | undefined): NftChange[] {
  const marks = marksOf(slot.number, form.service);
  return [
    { kind: "add-counter", name: uplinkCounter(marks) },
    { kind: "add-counter", name: downlinkCounter(marks) },
    { kind: "add-quota", name: quotaName(slot.number), limit: slot.limit, used: slot.used },
    ...slotElements(form, slot, gated),
  ];
}

/** What takes it out again, objects last: elements refer to them. */
export function slotRemoval(form: TableForm, slot: Slot, gated: CountRule | undefined): NftChange[] {
  const marks = marksOf(slot.number, form.service);
  return [
    ...slotElements(form, slot, gated).map(
      (each): NftChange => ({ kind: "delete-element", set: each.set, key: each.key }),
    ),
    { kind: "delete-counter", name: uplinkCounter(marks) },
    { kind: "delete-counter", name: downlinkCounter(marks) },
    { kind: "delete-quota", name: quotaName(slot.number) },
  ];
}

/** A quota made anew under its own name: what it consumed while it was shut is forgotten. */
export function quotaReplacement(
  form: TableForm,
  slot: GatedSlot,
  gated: CountRule | undefined,
): NftChange[] {
  const gates = slotElements(form, slot, gated).filter(({ set }) => GATE_MAPS.includes(set));
  const name = quotaName(slot.number);
  return [
    ...gates.map((each): NftChange => ({ kind: "delete-element", set: each.set, key: each.key })),
    { kind: "delete-quota", name },
    { kind: "add-quota", name, limit: slot.limit, used: slot.used },
    ...gates,
  ];
}

type Element = Extract<NftChange, { kind: "add-element" }>;

function slotElements(form: TableForm, { number, uid }: Slot, gated: CountRule | undefined): Element[] {
  const marks = marksOf(number, form.service);
  const { forward, reverse } = marks;
  const up = { counter: uplinkCounter(marks) };
  const down = { counter: downlinkCounter(marks) };
  const gate = { quota: quotaName(number) };
  const gatesUp = gated === "both" || gated === "uplink";
  const gatesDown = gated === "both" || gated === "downlink";
  const element = (set: string, mark: number, value: Element["value"] & object): Element => ({
    kind: "add-element",
    set,
    key: { mark },
    value,
  });
  return [
    ...(uid === undefined ? [] : ownerElements(uid, marks)),
    ...[forward, reverse].flatMap((mark) => [element("up", mark, up), element("down", mark, down)]),
    element("original", forward, up),
    element("reply", forward, down),
    element("original", reverse, down),
    element("reply", reverse, up),
    ...(gatesUp
      ? [
          ...[forward, reverse].map((mark) => element("gate_up", mark, gate)),
          element("gate_original", forward, gate),
          element("gate_reply", reverse, gate),
        ]
      : []),
    ...(gatesDown
      ? [
          ...[forward, reverse].map((mark) => element("gate_down", mark, gate)),
          element("gate_reply", forward, gate),
          element("gate_original", reverse, gate),
        ]
      : []),
  ];
}

/** What makes sockets of this uid the account's. */
export function ownerElements(uid: number, { forward, reverse }: Marks): Element[] {
  return [
    { kind: "add-element", set: "uids", key: { uid } },
    { kind: "add-element", set: "mark_of_uid", key: { uid }, value: { mark: forward } },
    { kind: "add-element", set: "reverse_mark_of_uid", key: { uid }, value: { mark: reverse } },
  ];
}

function chains(form: TableForm, cgroupLevel: number | undefined): string[] {
  const add = (kind: string, what: string) => `add ${kind} inet ${form.name} ${what}`;
  // The mark itself says whose the socket is, and that the account's end is here.
  const marked = `meta mark and 0x${hex(SERVICE_MASK)} == 0x${hex(marksOf(0, form.service).forward)}`;
  const byOwner = form.knownBy === "owner";
  const metered = byOwner ? "meta skuid @uids" : marked;
  const byCgroup = `ct mark set socket cgroupv2 level ${cgroupLevel} map`;
  const answering = `oifname "lo" ct direction reply`;
  const ours = `0x${hex(MARK_PREFIX)}`;
  const rules: readonly (readonly [chain: string, rules: readonly string[]])[] = [
    [
      "claim",
      [
        ...(byOwner
          ? [
              `${answering} ct mark set meta skuid map @reverse_mark_of_uid return`,
              "ct mark set meta skuid map @mark_of_uid return",
            ]
          : [`${marked} ct mark set meta mark`]),
        ...(cgroupLevel === undefined
          ? []
          : [
              `${answering} ${byCgroup} @reverse_mark_of_cgroup return`,
              `${byCgroup} @mark_of_cgroup return`,
            ]),
      ],
    ],
    [
      "loop",
      [
        "ct direction original quota name ct mark map @gate_original drop",
        "ct direction original counter name ct mark map @original return",
        "ct direction reply quota name ct mark map @gate_reply drop",
        "ct direction reply counter name ct mark map @reply",
      ],
    ],
    [
      "others",
      [
        `ct state untracked ${metered} counter name "${NO_TRACKING}"`,
        `ct mark != 0 ${metered} counter name "${FOREIGN_MARKS}"`,
      ],
    ],
    [
      "out",
      [
        "ct mark 0 jump claim",
        `ct mark and 0x${hex(MARK_PREFIX_MASK)} != ${ours} goto others`,
        "ct state untracked goto others",
        `oifname "lo" goto loop`,
        "quota name ct mark map @gate_up drop",
        "counter name ct mark map @up",
      ],
    ],
    [
      "in",
      [`iifname "lo" return`, "quota name ct mark map @gate_down drop", "counter name ct mark map @down"],
    ],
  ];
  const hook = (name: string) => `{ type filter hook ${name} priority 100; policy accept; }`;
  return [
    ...["claim", "loop", "others"].map((name) => add("chain", name)),
    add("chain", `out ${hook("output")}`),
    add("chain", `in ${hook("input")}`),
    ...rules.map(([chain]) => `flush chain inet ${form.name} ${chain}`),
    ...rules.flatMap(([chain, each]) => each.map((rule) => add("rule", `${chain} ${rule}`))),
  ];
}

/** Counters and quotas that are there are kept as they stand, but for a quota that must begin anew. */
function objects(form: TableForm, { number, limit, used, keep }: GatedSlot): string[] {
  const add = (kind: string, what: string) => `add ${kind} inet ${form.name} ${what}`;
  const marks = marksOf(number, form.service);
  const name = quotaName(number);
  const quota = add("quota", `${name} { over ${limit} bytes used ${used} bytes ; }`);
  return [
    add("counter", uplinkCounter(marks)),
    add("counter", downlinkCounter(marks)),
    // An `add` in front makes the `delete` good whether there is one or not; one that is kept is changed in place.
    ...(keep
      ? [quota]
      : [add("quota", `${name} { over ${limit} bytes ; }`), `delete quota inet ${form.name} ${name}`, quota]),
  ];
}

function elements(form: TableForm, all: readonly Element[]): string[] {
  const sets = Map.groupBy(all, ({ set }) => set);
  return [...sets].flatMap(([set, members]) => {
    const lines: string[] = [];
    for (let from = 0; from < members.length; from += ELEMENTS_PER_LINE) {
      const texts = members.slice(from, from + ELEMENTS_PER_LINE).map(elementText);
      lines.push(`add element inet ${form.name} ${set} { ${texts.join(", ")} }`);
    }
    return lines;
  });
}
