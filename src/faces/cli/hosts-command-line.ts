/** The host capture: `capture` runs it, `hosts` works on its list. */
import type { Command } from "commander";
import { type Brief, type Common, command, reading } from "./command-line.ts";
import type { WatchHostsOptions } from "./watch-hosts.ts";

export function addHostCommands(root: Command): void {
  command(root, "capture", "Runs the host capture: lists the names that clients ask for").action(
    async (options: Common) => (await import("./capture-commands.ts")).runCaptureCommand(options),
  );
  const hosts = root.command("hosts").description("Captured hosts");
  reading(hosts, "list", "All hosts, or what one user asked for")
    .option("--user <name>", "of one user; kept only if hosts.per_account is on")
    .action(async (options: Common & { user?: string }) => (await import("./hosts.ts")).listHosts(options));
  reading(hosts, "add <host>", "Adds a host by hand")
    .option("--service <service>", "what it is to be listed under", "Manual")
    .option("--source <address>", "where its client was")
    .action(async (host: string, options: Common & { service: string; source?: string }) =>
      (await import("./hosts.ts")).addHost(host, options),
    );
  reading(hosts, "remove <host...>", "Removes hosts until they are seen anew").action(
    async (names: readonly string[], options: Common) =>
      (await import("./hosts.ts")).removeHosts(names, options),
  );
  reading(hosts, "clear", "Removes all hosts until they are seen anew")
    .option("--yes", "really")
    .action(async (options: Common & { yes?: boolean }) => (await import("./hosts.ts")).clearHosts(options));
  reading(hosts, "scan", "Reads the ends of the logs once more and lists what is new").action(
    async (options: Common) => (await import("./hosts.ts")).scanHosts(options),
  );
  reading(hosts, "watch", "New hosts as they come; --json is a line each")
    .option("--once", "the list as it is, then leave")
    .option("--plain", "lines as they come, as where there is no terminal")
    .action(async (options: WatchHostsOptions) => (await import("./watch-hosts.ts")).showNewHosts(options));
  reading(hosts, "status", "How the capture and its taps are")
    .option("--brief", "ON or OFF; status 4 if the capture does not run")
    .action(async (options: Common & Brief) =>
      options.brief
        ? (await import("./brief.ts")).showCaptureBriefly(options)
        : (await import("./hosts.ts")).showCapture(options),
    );
  for (const [word, on] of [
    ["on", true],
    ["off", false],
  ] as const) {
    reading(hosts, word, `Switches the capture ${word}, now and at boot`).action(async (options: Common) =>
      (await import("./hosts.ts")).switchCapture(on, options),
    );
  }
  command(hosts, "link", "Puts hosts.log where it is looked for; run as root before the capture").action(
    async (options: Common) => (await import("./capture-commands.ts")).linkHosts(options),
  );
}
