/**
 * How long a process takes from its start to its end, seen by a parent that
 * only waits: what a server stands still for while its hook runs.
 *
 * By posix_spawn(3) and waitpid(2) themselves, since Node's own way takes
 * longer than what is measured.
 */
import koffi from "koffi";

const libc = koffi.load("libc.so.6");
const spawn = libc.func(
  "int posix_spawn(_Out_ int *pid, const char *path, void *actions, void *attributes, const char **argv, const char **envp)",
);
const wait = libc.func("int waitpid(int pid, _Out_ int *status, int options)");

/**
 * @param argv the program's absolute path first.
 * @param environment "name=value" each.
 * @returns milliseconds.
 * @throws {Error} when it cannot be started, or does not exit with `status`.
 */
export function processSpan(argv: readonly string[], environment: readonly string[], status = 0): number {
  const pid = [0];
  const ended = [0];
  const [path = ""] = argv;
  const began = performance.now();
  const refused = spawn(pid, path, null, null, [...argv, null], [...environment, null]) as number;
  if (refused !== 0) throw new Error(`Cannot start "${path}": error ${refused}`);
  wait(pid[0], ended, 0);
  const span = performance.now() - began;
  if (ended[0] !== status << 8) throw new Error(`Cannot measure "${path}": it ended with ${ended[0]}`);
  return span;
}
