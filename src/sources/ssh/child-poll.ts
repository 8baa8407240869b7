/**
 * Tells of new children by looking for them, where the kernel does not tell of
 * forks: in a network namespace or a container of its own.
 *
 * One short file for each parent (proc(5), CONFIG_PROC_CHILDREN), so it can be
 * read often enough: a client's way to its login takes several times as long.
 */
import { readFileSync } from "node:fs";
import { codeOf, KernelUnavailableError } from "../../errors.ts";

const EVERY_MS = 20;

/**
 * @param parents processes of a single thread; those there are now are not told of.
 * @throws {KernelUnavailableError} where the kernel has no such file.
 */
export function pollChildren(parents: ReadonlySet<number>, onChild: (child: number) => void): Disposable {
  if (childrenOf(process.pid) === undefined) {
    throw new KernelUnavailableError(
      "Cannot look for new processes often: the kernel lacks CONFIG_PROC_CHILDREN",
    );
  }
  const known = new Map([...parents].map((parent) => [parent, new Set(childrenOf(parent))]));
  const timer = setInterval(() => {
    for (const [parent, before] of known) {
      const now = new Set(childrenOf(parent));
      known.set(parent, now);
      for (const child of now.difference(before)) onChild(child);
    }
  }, EVERY_MS).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** @returns undefined for a process that is gone. */
function childrenOf(parent: number): number[] | undefined {
  try {
    const text = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8");
    return text.split(" ").filter(Boolean).map(Number);
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  }
}
