/** `hosts watch`, and `realtime-hosts` under its old name: captured hosts as they come. */
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
  const client = new CaptureClient(captureSocket(await settingsFor(options)));
  const streams = processStreams();
  if (options.once) {
    for await (const row of client.rows(undefined)) print(row, options);
    return;
  }
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

function print(line: HostLine, { json }: WatchHostsOptions): void {
  const { host, service, source, time } = line;
  const text = json
    ? JSON.stringify({ host, service, source, time })
    : `${time}  ${service.padEnd(12)} ${source.padEnd(15)} ${shownHost(host)}`;
  process.stdout.write(`${text}\n`);
}
