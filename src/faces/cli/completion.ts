/**
 * `completion`: a bash completion made from the commands themselves, so that it
 * never knows fewer, nor others.
 *
 * It needs bash alone. Names of users are other people's text: only those that
 * no shell reads as anything else are offered, and none go through `compgen -W`,
 * which would expand them.
 *
 * Pure: no clock, no I/O.
 */
import type { Option } from "commander";
import { type CommandNode, everyNode } from "./command-tree.ts";

/** Where bash-completion looks for a program's own, beside the distribution's. */
export function completionScript(tree: CommandNode): string {
  const nodes = [...everyNode(tree)];
  const below = nodes.filter(({ path }) => path !== "").map(({ path }) => path);
  return `# bash completion for sluice, made by: sluice completion
_sluice() {
  local line=\${COMP_LINE:0:COMP_POINT} path='' words='' kind='' previous='' given=0 each name
  local word=\${line##*[[:space:]]} typed
  COMPREPLY=()
  # Not COMP_WORDS: it is split at "@", ":" and "=" too.
  read -ra typed <<<"\${line%"$word"}"
  for each in "\${typed[@]:1}"; do
    previous=$each
    [[ $each == -* ]] && continue
    case "\${path:+$path }$each" in
    ${below.map((path) => `'${path}'`).join(" | ")}) path="\${path:+$path }$each" ;;
    *) given=1 ;;
    esac
  done
  case $path in
${nodes.map(branch).join("\n")}
  esac
  case $kind in
  words)
    for each in $words; do [[ $each == "$word"* ]] && COMPREPLY+=("$each"); done
    ;;
  files)
    while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -f -- "$word")
    compopt -o filenames 2>/dev/null
    ;;
  users)
    # Only if the daemon answers at once: nobody waits for a completion.
    while IFS= read -r name; do
      [[ $name == "$word"* ]] && COMPREPLY+=("$name")
    done < <(timeout 0.5 sluice users --json 2>/dev/null |
      sed -n 's/^ *"name": "\\([A-Za-z0-9._@-]*\\)",\\{0,1\\}$/\\1/p')
    ;;
  esac
  # Readline takes a word to begin behind these: it replaces that part alone.
  local head=\${word%"\${word##*[@:=]}"}
  [[ $head ]] && COMPREPLY=("\${COMPREPLY[@]#"$head"}")
  return 0
}
complete -F _sluice sluice
`;
}

/** What may follow the words of one command: its sub-commands or argument, its options, an option's value. */
function branch({ path, options, arguments: expected, children }: CommandNode): string {
  const flags = options.flatMap(({ long, short }) => long ?? short ?? []);
  const valued = options.filter((option) => option.required || option.optional);
  const first = expected[0] === undefined ? undefined : kindOf(expected[0].name());
  const words = [...children.map(({ command }) => command.name()), ...flags].join(" ");
  return [
    `  '${path}')`,
    ...(valued.length > 0
      ? ["    case $previous in", ...valued.map(valueOf), "    *) false ;;", "    esac ||"]
      : []),
    ...(first === undefined
      ? [
          `      { kind=words words='${words}'; }`,
          ...(children.length > 0 ? ["    ((given)) && kind=''"] : []),
        ]
      : [
          `      if ((given == 0)) && [[ $word != -* ]]; then kind=${first}`,
          `      else kind=words words='${words}'; fi`,
        ]),
    "    ;;",
  ].join("\n");
}

/** What follows an option that takes a value: its choices, files, users, or what nobody can guess. */
function valueOf(option: Option): string {
  const names = [option.short, option.long].filter((name) => name !== undefined).join(" | ");
  const { argChoices } = option;
  if (argChoices) return `    ${names}) kind=words words='${argChoices.join(" ")}' ;;`;
  return `    ${names}) kind=${kindOf(option.attributeName()) ?? "none"} ;;`;
}

/** By the names that arguments and options have here. */
function kindOf(name: string): "users" | "files" | undefined {
  if (name === "name" || name === "user") return "users";
  if (["file", "config", "directory", "root"].includes(name)) return "files";
  return undefined;
}
