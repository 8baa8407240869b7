/**
 * Lets the threads that work on passwords yield to the one that answers: with as many
 * passwords at work as there are processors, everybody else would wait for his turn.
 *
 * libuv's pool makes its threads at the first use, and gives them this name. What else
 * they do here, looks at files, can wait as well. For a process that is the web and
 * nothing else.
 */
import { readdir, readFile } from "node:fs/promises";
import { setPriority } from "node:os";

const TASKS = "/proc/self/task";
const WORKER = "libuv-worker";
/** Of nice(2): a tenth of the others' share, where there is not enough. */
const NICE = 10;

/** @returns how many threads were told; 0 where the kernel does not show them. */
export async function yieldPool(): Promise<number> {
  const told = (await readdir(TASKS).catch(() => [])).map(async (task) => {
    const name = await readFile(`${TASKS}/${task}/comm`, "utf8").catch(() => "");
    if (name.trim() !== WORKER) return false;
    setPriority(Number(task), NICE); // of that thread alone: Linux takes a thread's number too
    return true;
  });
  return (await Promise.all(told)).filter(Boolean).length;
}
