/**
 * A Dockerfile's steps, stage by stage, as far as ours uses the language.
 *
 * Pure: no clock, no I/O.
 */

export interface Stage {
  readonly from: string;
  readonly name: string | undefined;
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly kind: "run"; readonly command: string }
  | { readonly kind: "workdir"; readonly path: string }
  | { readonly kind: "user"; readonly user: string }
  | {
      readonly kind: "copy";
      readonly from: string | undefined;
      readonly source: string;
      readonly target: string;
    }
  | { readonly kind: "entrypoint" | "cmd" | "healthcheck"; readonly words: readonly string[] };

/** @throws {SyntaxError} for an instruction that it does not know: nothing is passed over. */
export function parseDockerfile(text: string): readonly Stage[] {
  const stages: { from: string; name: string | undefined; steps: Step[] }[] = [];
  for (const line of text.split("\n").filter((each) => each.trim() !== "" && !each.startsWith("#"))) {
    const [, word = "", rest = ""] = /^(\w+) (.*)$/.exec(line) ?? [];
    if (word === "FROM") {
      const [from = "", , name] = rest.split(" ");
      stages.push({ from, name, steps: [] });
      continue;
    }
    if (word === "EXPOSE") continue;
    const step = stepOf(word, rest);
    if (!step) throw new SyntaxError(`Cannot read the Dockerfile: expected an instruction, got "${line}"`);
    stages.at(-1)?.steps.push(step);
  }
  return stages;
}

function stepOf(word: string, rest: string): Step | undefined {
  switch (word) {
    case "RUN":
      return { kind: "run", command: rest };
    case "WORKDIR":
      return { kind: "workdir", path: rest };
    case "USER":
      return { kind: "user", user: rest };
    case "ENTRYPOINT":
      return { kind: "entrypoint", words: JSON.parse(rest) as string[] };
    case "CMD":
      return { kind: "cmd", words: JSON.parse(rest) as string[] };
    case "HEALTHCHECK":
      return { kind: "healthcheck", words: JSON.parse(rest.replace(/^.*? CMD /, "")) as string[] };
    case "COPY": {
      const [, from, source = "", target = ""] = /^(?:--from=(\S+) )?(\S+) (\S+)$/.exec(rest) ?? [];
      return { kind: "copy", from, source, target };
    }
    default:
      return undefined;
  }
}
