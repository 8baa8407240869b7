/** Argument: a pid of somebody else. Prints what an unprivileged process learns of it. */
import { executableOf, parentOf, socketInodesOf } from "../../../src/kernel/processes.ts";
import { becomeNobody } from "./nobody.ts";

const pid = Number(process.argv[2]);
becomeNobody();
console.log(
  JSON.stringify({ executable: executableOf(pid) ?? "unknown", sockets: sockets(), parent: parentOf(pid) }),
);

function sockets(): unknown {
  try {
    return [...socketInodesOf(pid)];
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}
