/** The entry: the name it is called by chooses the face, an error chooses the exit status. */
import { basename } from "node:path";
import { CommanderError } from "commander";
import { reasonOf } from "./errors.ts";
import { exitStatusOf } from "./faces/cli/exit-status.ts";
import { legacyProgram } from "./faces/cli/legacy.ts";
import { program } from "./faces/cli/program.ts";

const calledAs = basename(process.env["SLUICE_CALLED_AS"] ?? "sluice");
try {
  await (calledAs === "cek-bw-limit" ? legacyProgram() : program()).parseAsync(process.argv);
} catch (error) {
  // Commander has said its own errors already.
  if (!(error instanceof CommanderError)) process.stderr.write(`${calledAs}: ${reasonOf(error)}\n`);
  process.exitCode = exitStatusOf(error);
}
