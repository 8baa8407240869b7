/** Aborts on SIGINT or SIGTERM. A handler does nothing else; whoever runs takes itself down. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort(name));
  return stop.signal;
}
