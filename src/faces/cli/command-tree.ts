/**
 * The commands as data, for what is made of them: completion and the man page.
 *
 * Pure: no clock, no I/O.
 */
import type { Argument, Command, Option } from "commander";

export interface CommandNode {
  /** The words that call it, without the program's own name: "limit set"; "" for the program. */
  readonly path: string;
  readonly command: Command;
  readonly options: readonly Option[];
  readonly arguments: readonly Argument[];
  readonly children: readonly CommandNode[];
}

/** Without what is hidden, and without commander's own "help". */
export function commandTree(command: Command, path = ""): CommandNode {
  const help = command.createHelp();
  const children = help
    .visibleCommands(command)
    .filter((child) => child.name() !== "help")
    .map((child) => commandTree(child, `${path} ${child.name()}`.trim()));
  return {
    ...{ path, command, children },
    options: [...help.visibleOptions(command)],
    arguments: command.registeredArguments,
  };
}

/** The node itself and all below it, in the order they are listed. */
export function* everyNode(node: CommandNode): Generator<CommandNode> {
  yield node;
  for (const child of node.children) yield* everyNode(child);
}
