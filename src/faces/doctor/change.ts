/**
 * The few things `doctor --fix` changes on a host, as data: so each can be shown
 * before it is made, kept in a file, and taken back later by another program run.
 *
 * Pure: no clock, no I/O.
 */

/** Whose a file is and who may do what with it. */
export interface Access {
  /** Permission bits, as chmod(2) takes them. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export type Change =
  /** A file put aside under another name in its folder. */
  | { readonly kind: "move"; readonly from: string; readonly to: string }
  /** A systemd unit begun or ended, now and at boot; `was` is what it is put back to. */
  | {
      readonly kind: "unit";
      readonly unit: string;
      readonly to: "enabled" | "disabled";
      readonly was: { readonly enabled: boolean; readonly active: boolean };
    }
  | {
      readonly kind: "access";
      readonly items: readonly { readonly path: string; readonly from: Access; readonly to: Access }[];
    }
  /** Entries the kernel can track. */
  | { readonly kind: "conntrack"; readonly from: number; readonly to: number; readonly dropIn: string }
  /** The drop-in of an engine's unit; `before` is null where there is none. */
  | {
      readonly kind: "drop-in";
      readonly unit: string;
      readonly path: string;
      readonly before: string | null;
      readonly text: string;
    }
  /** hosts.log as a link to the capture's list. */
  | { readonly kind: "hosts-link"; readonly link: string; readonly target: string };

/** What a change does, and how it is taken back; a sentence each, without its full stop. */
export interface ChangeText {
  readonly what: string;
  readonly undo: string;
}

export function changeText(change: Change): ChangeText {
  switch (change.kind) {
    case "move":
      return { what: `move ${change.from} to ${change.to}`, undo: `move it back` };
    case "unit": {
      const on = change.to === "enabled";
      return {
        what: `systemctl ${on ? "enable" : "disable --now"} ${change.unit}`,
        undo: `systemctl ${unitUndo(change).join(" ")} ${change.unit}`,
      };
    }
    case "access":
      return {
        what: change.items.map(({ path, from, to }) => `${accessText(from, to)} ${path}`).join("; "),
        undo: change.items.map(({ path, from, to }) => `${accessText(to, from)} ${path}`).join("; "),
      };
    case "conntrack":
      return {
        what: `raise net.netfilter.nf_conntrack_max from ${change.from} to ${change.to}, and write ${change.dropIn} for the next boot`,
        undo: `set it to ${change.from} and remove ${change.dropIn}`,
      };
    case "drop-in":
      return {
        what: `write ${change.path} (it takes effect when ${change.unit} is restarted next)`,
        undo: change.before === null ? "remove it" : "put the file back as it was",
      };
    case "hosts-link":
      return {
        what: `make ${change.link} a link to ${change.target}; what a plain file there holds is taken into the list`,
        undo: "make it a plain file again, with what the list holds then",
      };
  }
}

/** The words that put a unit back to what it was. */
export function unitUndo({ to, was }: Extract<Change, { kind: "unit" }>): readonly string[] {
  if (to === "enabled") return ["disable"];
  if (was.enabled) return was.active ? ["enable", "--now"] : ["enable"];
  return ["start"];
}

function accessText(from: Access, to: Access): string {
  const owner = from.uid === to.uid && from.gid === to.gid ? [] : [`chown ${to.uid}:${to.gid}`];
  const mode = from.mode === to.mode ? [] : [`chmod ${to.mode.toString(8).padStart(4, "0")}`];
  return [...owner, ...mode].join(" and ");
}
