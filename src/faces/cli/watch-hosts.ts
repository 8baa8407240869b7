/** `hosts watch`, and `realtime-hosts` under its old name: captured hosts as they come. */
import type { Settings } from "../../config.ts";
import { UnreachableError } from "../../errors.ts";
import { CaptureClient, captureSocket } from "../../hosts/capture-client.ts";
import type { HostLine } from "../../hosts/host-line.ts";
import { canDraw, processStreams, writingLines } from "../monitor/streams.ts";
import { watchHosts } from "../monitor/watch-hosts.ts";
import { settingsFor } from "./settings-for.ts";
import { shownHost } from "./shown-host.ts";
import { leaveSignal } from "./stop-signal.ts";

export interface WatchHostsOptions {
  readonly config?: string;
  /** One host a line. */
  readonly json?: boolean;
  /** The whole list, then leave. */
  readonly once?: boolean;
  readonly plain?: boolean;
}

/** New hosts as they come. @throws {UnreachableError} when no capture runs, or it stops meanwhile. */
export async function showNewHosts(options: WatchHostsOptions): Promise<void> {
  await show(options, []);
}

/** @throws {UnreachableError} as `showNewHosts` does. */
export async function showRealtimeHosts(options: WatchHostsOptions): Promise<void> {
  await show(options, ["Press Ctrl+C to exit real-time monitoring"]);
}

async function show(options: WatchHostsOptions, footer: readonly string[]): Promise<void> {
  const settings = await settingsFor(options);
  if (options.once) return showOnce(settings, options);
  const client = new CaptureClient(captureSocket(settings));
  const streams = processStreams();
  const left = new AbortController();
  const signal = AbortSignal.any([leaveSignal(), left.signal]);
  if (canDraw(streams) && !options.plain && !options.json) {
    const { domain, address } = await client.status();
    const look = { domain, address, shown: shownHost, footer };
    if (await watchHosts(client, look, streams, signal)) return;
  } else {
    const leave = () => left.abort();
    await writingLines(streams.terminal, leave, async () => {
      for await (const { hosts } of client.watch(signal)) for (const line of hosts) print(line, options);
    });
  }
  if (!signal.aborted) throw new UnreachableError("The capture has stopped");
}

/** The list as it is, whether or not a capture runs. */
async function showOnce(settings: Settings, options: WatchHostsOptions): Promise<void> {
  const { hostRows } = await import("./hosts.ts");
  const rows = await hostRows(settings);
  for (const row of rows) print(row, options);
  if (rows.length === 0 && !options.json) process.stdout.write("No hosts captured yet.\n");
}

function print(line: HostLine, { json }: WatchHostsOptions): void {
  const { host, service, source, time } = line;
  const text = json
    ? JSON.stringify({ host, service, source, time })
    : `${time}  ${service.padEnd(12)} ${source.padEnd(15)} ${shownHost(host)}`;
  process.stdout.write(`${text}\n`);
}
