/** Writes a batch into a history and is killed, so that its log stays. */
import { HISTORY } from "../../../src/history/schema.ts";
import { HistoryWriter } from "../../../src/history/writer.ts";
import { Db } from "../../../src/sqlite.ts";
import { batchOf } from "../../support/history.ts";

const [path = "", group, sequence, up] = process.argv.slice(2);
const db = Db.openToWrite(path, { ...HISTORY, readers: () => Number(group) });
const usage = { account: "alice", service: "ssh", at: 0, day: "2026-11-22", up: Number(up), down: 0 };
new HistoryWriter(db).write({ ...batchOf({ usage: [usage] }), sequence: Number(sequence) }, 0);
process.kill(process.pid, "SIGKILL");
