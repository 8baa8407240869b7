/**
 * Aborts on SIGINT or SIGTERM. A handler does nothing else; whoever runs takes itself down.
 *
 * The handlers stay after the first signal: write-file-atomic listens as well
 * while it writes, and ends the process at once when nobody else is listening.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop.abort(name));
  return stop.signal;
}
