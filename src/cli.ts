/** The entry: the name it is called by chooses the face, an error chooses the exit status. */
import { basename } from "node:path";
import { type Command, CommanderError } from "commander";
import { reasonOf } from "./errors.ts";
import { exitStatusOf } from "./faces/cli/exit-status.ts";

const calledAs = basename(process.env["SLUICE_CALLED_AS"] ?? "sluice");
try {
  const chosen = await face();
  await chosen.parseAsync(process.argv);
} catch (error) {
  // Commander has said its own errors already.
  if (!(error instanceof CommanderError)) process.stderr.write(`${calledAs}: ${reasonOf(error)}\n`);
  process.exitCode = exitStatusOf(error);
}

/** Only what a face needs is loaded: the capture is to stay small. */
async function face(): Promise<Command> {
  switch (calledAs) {
    case "cek-bw-limit":
      return (await import("./faces/cli/legacy.ts")).legacyProgram();
    case "capture-host":
      return (await import("./faces/cli/legacy-capture.ts")).legacyCapture();
    case "realtime-bandwidth":
      return (await import("./faces/cli/legacy-realtime.ts")).legacyRealtimeBandwidth();
    case "realtime-hosts":
      return (await import("./faces/cli/legacy-realtime.ts")).legacyRealtimeHosts();
    default:
      return (await import("./faces/cli/program.ts")).program();
  }
}
