/** Arguments: a pid of somebody else and a socket's inode of his. Prints what an unprivileged process learns of them. */
import { processArguments, processEnvironment, processUid } from "../../../src/kernel/process.ts";
import { ownerOfInode } from "../../../src/kernel/socket-owner.ts";
import { becomeNobody } from "./nobody.ts";

const [pid = 0, inode = 0] = process.argv.slice(2).map(Number);
becomeNobody();
console.log(
  JSON.stringify({
    environment: processEnvironment(pid) === undefined ? "unknown" : "read",
    owner: ownerOfInode(inode) ?? "unknown",
    arguments: processArguments(pid) === undefined ? "unknown" : "read",
    uid: processUid(pid) ?? "unknown",
  }),
);
