/** Argument: a path. Takes its lock and holds it until killed, or says that somebody else does. */
import { lockFile } from "../../../src/kernel/file-lock.ts";

const lock = lockFile(process.argv[2] ?? "");
if (lock) setInterval(() => lock, 1_000_000);
console.log(lock ? "held" : "taken");
