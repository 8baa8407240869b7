import { expect, test } from "vitest";
import { exitStatusOf } from "../../../src/faces/cli/exit-status.ts";
import { cekBwLimit } from "../../../src/faces/legacy/cek-bw-limit.ts";
import { WRONG_USAGE } from "./table.ts";

test.each(WRONG_USAGE)("cek-bw-limit %j says how it is used, with status 2", async (args, said) => {
  let stderr = "";
  const root = cekBwLimit();
  for (const command of root.commands) command.configureOutput({ writeErr: (text) => (stderr += text) });
  const refused = root.parseAsync(args, { from: "user" });
  expect(await refused.catch(exitStatusOf)).toBe(2);
  expect(stderr).toBe(said);
});
