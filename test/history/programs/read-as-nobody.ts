/** Says what a user without any right, of the group that may read, finds in a history: its days, or SQLite's error. */
import { reasonOf } from "../../../src/errors.ts";
import { HistoryReader } from "../../../src/history/queries.ts";
import { becomeNobody } from "../../kernel/programs/nobody.ts";

becomeNobody();
process.stdout.write(JSON.stringify(found(process.argv[2] ?? "")));

function found(path: string): unknown {
  try {
    using reader = HistoryReader.open(path);
    return reader?.series({ per: "day", since: "2000-01-01", until: "2100-01-01" }).map(({ up }) => up);
  } catch (error) {
    return reasonOf(error);
  }
}
