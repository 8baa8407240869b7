/**
 * Shows captured hosts live. The capture is asked for its list once; what is
 * new or removed it tells by itself. An editor's removals it does not: the list
 * is asked for again when it is found to be shorter.
 */
import type { CaptureClient } from "../../hosts/capture-client.ts";
import type { HostLine } from "../../hosts/host-line.ts";
import { paletteFor } from "../terminal/palette.ts";
import { Console } from "./console.ts";
import { type HostsLook, HostsPage, NEW_MS } from "./hosts-page.ts";
import type { MonitorStreams } from "./streams.ts";

/** Lists are long, and parts that were on their way while one was read tell of fewer hosts than it has. */
const LEAST_RENEWAL_MS = 1_000;

/** Runs until `signal` aborts, somebody leaves, or the capture stops. @returns whether somebody left. */
export async function watchHosts(
  client: CaptureClient,
  look: HostsLook,
  { terminal, keyboard, environment }: MonitorStreams,
  signal: AbortSignal,
): Promise<boolean> {
  const left = new AbortController();
  const leave = () => left.abort();
  const page = new HostsPage(look);
  const watch = client.watch(AbortSignal.any([signal, left.signal]));
  const { value: first } = await watch.next(); // from here on nothing new is missed
  if (!first) return left.signal.aborted;
  page.renew(await linesOf(client));
  using drawn = new Console({
    ...{ terminal, keyboard, palette: paletteFor(terminal, environment), onGone: leave },
    paint: (size) => page.paint(size, performance.now()),
    onKey: (key) => {
      if (page.press(key) === "leave") leave();
    },
  });
  let timer: NodeJS.Timeout | undefined;
  let renewedAt = performance.now();
  for await (const { total, hosts, gone } of watch) {
    const now = performance.now();
    page.take(hosts, now);
    page.drop(total === 0 ? undefined : gone);
    if (page.size > total && now - renewedAt > LEAST_RENEWAL_MS) {
      page.renew(await linesOf(client));
      renewedAt = performance.now();
    }
    drawn.changed();
    clearTimeout(timer);
    timer = setTimeout(() => drawn.changed(), NEW_MS);
  }
  clearTimeout(timer);
  return left.signal.aborted;
}

function linesOf(client: CaptureClient): Promise<HostLine[]> {
  return Array.fromAsync(client.rows(undefined));
}
