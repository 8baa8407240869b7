/** How every command of ours is declared: with its settings file, and, where it tells something, JSON. */
import { type Command, InvalidArgumentError } from "commander";

export interface Common {
  readonly config?: string;
  readonly json?: boolean;
}

export interface Brief {
  readonly brief?: boolean;
}

export function command(parent: Command, usage: string, description: string): Command {
  return parent
    .command(usage)
    .description(description)
    .option("--config <file>", "settings other than /etc/myvpn/sluice.json");
}

/** One that answers something, as text or JSON. */
export function reading(parent: Command, usage: string, description: string): Command {
  return command(parent, usage, description).option("--json", "answer in JSON");
}

/** A parser's refusal as a usage error, with the parser's own words. */
export function asArgument<Value>(parse: (text: string) => Value): (text: string) => Value {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}
