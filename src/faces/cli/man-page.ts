/**
 * `man`: sluice(8), made from the commands themselves.
 *
 * Pure: no clock, no I/O.
 */
import type { Option } from "commander";
import { type CommandNode, everyNode } from "./command-tree.ts";

export interface ManPage {
  readonly tree: CommandNode;
  readonly version: string;
}

const FILES: readonly (readonly [path: string, what: string])[] = [
  ["/etc/myvpn/sluice.json", "the settings; // and # begin comments; a missing file is fine"],
  ["/etc/myvpn/usage/", "one file per account, and the journal"],
  ["/etc/myvpn/hosts.log", "the captured hosts"],
  ["/etc/myvpn/deleted/", "what is kept of deleted logins"],
  ["/var/log/sluice/events.jsonl", "what happened, one line each"],
  ["/run/sluice/control.sock", "where commands ask the daemon"],
];

const STATUSES: readonly (readonly [status: string, what: string])[] = [
  ["0", "done"],
  ["1", "failed"],
  ["2", "wrong usage"],
  ["3", "no such user"],
  ["4", "the daemon or an engine cannot be reached"],
];

export function manPage({ tree, version }: ManPage): string {
  const leaves = [...everyNode(tree)].filter(({ children }) => children.length === 0);
  return [
    `.TH SLUICE 8 "" "Sluice ${escaped(version)}" "System administration"`,
    ".SH NAME",
    `sluice \\- ${plain(tree.command.description())}`,
    ".SH SYNOPSIS",
    ".B sluice",
    "\\fICOMMAND\\fR [\\fIOPTION\\fR]...",
    ".SH DESCRIPTION",
    ...DESCRIPTION.map(plain),
    ".SH COMMANDS",
    ...leaves.flatMap(commandText),
    ".SH FILES",
    ...FILES.flatMap(([path, what]) => item(`\\fI${escaped(path)}\\fR`, what)),
    ".SH EXIT STATUS",
    ...STATUSES.flatMap(([status, what]) => item(`\\fB${status}\\fR`, what)),
    ".SH SEE ALSO",
    ".BR systemctl (1),",
    ".BR journalctl (1),",
    ".BR nft (8)",
    "",
  ].join("\n");
}

const DESCRIPTION = [
  "Meters every user of a VPN server, whichever way they come in, and shuts the gate at their limit.",
  "The daemon is bw-limit-check.service; host-capture.service lists the names that clients ask for; sluice-gates.service puts saved gates into the kernel at boot.",
  "Sizes are 500MB, 10GB, 1.5GiB, all in powers of 1024; a bare number is MB; 0 is unlimited.",
];

function commandText({ path, command, options }: CommandNode): string[] {
  const { usage } = { usage: command.usage().replace("[options]", "").trim() };
  return [
    ...item(
      `\\fBsluice ${escaped(path)}\\fR${usage === "" ? "" : ` \\fI${escaped(usage)}\\fR`}`,
      command.description(),
    ),
    ".RS",
    ...options.flatMap(optionText),
    ".RE",
  ];
}

function optionText({ flags, description, long }: Option): string[] {
  return long === "--help" ? [] : item(`\\fB${escaped(flags)}\\fR`, description);
}

function item(head: string, text: string): string[] {
  return [".TP", head, plain(text)];
}

/** A line of text: one that begins with a dot or a quote would be a request. */
function plain(text: string): string {
  const safe = escaped(text.replaceAll(/\s+/g, " "));
  return /^[.']/.test(safe) ? `\\&${safe}` : safe;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
}
