/** The entry: the name it is called by chooses the face, an error chooses the exit status. */
import { basename } from "node:path";
import { type Command, CommanderError } from "commander";
import { codeOf, reasonOf } from "./errors.ts";
import { exitStatusOf } from "./faces/cli/exit-status.ts";
import { printable } from "./log.ts";

process.stdout.on("error", (error) => {
  if (codeOf(error) === "EPIPE") process.exit(); // whoever read it has left (`| head`), and wants no more
  throw error;
});
const calledAs = basename(process.env["SLUICE_CALLED_AS"] ?? "sluice");
try {
  const chosen = await face();
  await chosen.parseAsync(process.argv);
} catch (error) {
  // Commander has said its own errors already.
  if (!(error instanceof CommanderError)) {
    const lines = `${calledAs}: ${reasonOf(error)}`.split("\n");
    process.stderr.write(`${lines.map(printable).join("\n")}\n`); // names in it are anybody's
  }
  process.exitCode = exitStatusOf(error);
}

/** Only what a face needs is loaded: the capture is to stay small. */
async function face(): Promise<Command> {
  switch (calledAs) {
    case "cek-bw-limit":
      return (await import("./faces/legacy/cek-bw-limit.ts")).cekBwLimit();
    case "capture-host":
      return (await import("./faces/legacy/capture-host.ts")).captureHost();
    case "menu-captured-hosts":
      return (await import("./faces/menu/captured-hosts.ts")).menuCapturedHosts();
    case "realtime-bandwidth":
      return (await import("./faces/legacy/realtime.ts")).realtimeBandwidth();
    case "realtime-hosts":
      return (await import("./faces/legacy/realtime.ts")).realtimeHosts();
    default:
      return (await import("./faces/cli/program.ts")).program();
  }
}
