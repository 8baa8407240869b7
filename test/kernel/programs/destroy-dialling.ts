/**
 * Argument: "netlink" or "ss". In a network of its own, with a neighbour that never answers: dials it, marked,
 * ends all that is so marked, and prints what came of it and what the dialler was told.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setImmediate } from "node:timers/promises";
import { openSocketTable } from "../../../src/kernel/sock-diag.ts";
import { openSsTable } from "../../../src/kernel/ss-command.ts";
import { setMark } from "../mark.ts";

const MARK = 0x51e7c3f0;
const ip = (...words: string[]) => execFileSync("ip", words);
ip("link", "add", "near", "type", "veth", "peer", "name", "mute");
ip("address", "add", "10.63.1.1/24", "dev", "near");
ip("link", "set", "near", "up");
ip("link", "set", "mute", "up");

using table = process.argv[2] === "ss" ? openSsTable() : openSocketTable();
const dialler = connect(9, "10.63.1.2");
const told = once(dialler, "error") as Promise<[NodeJS.ErrnoException]>;
await setImmediate(); // it has no descriptor before
setMark(dialler, MARK);

const carrying = table.listMarked(MARK, 0xffffffff).length;
const ended = table.destroyMarked(MARK, 0xffffffff);
const [{ code }] = await told;
console.log(JSON.stringify({ carrying, ended, code }));
