/** What ends a program that a person has before him: the keyboard, the line, a broken habit of scripts. */
const ENDING = [
  ...(["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const),
  ...(["SIGALRM", "SIGUSR2", "SIGVTALRM", "SIGXCPU", "SIGPWR", "SIGIO"] as const),
];

/** Aborts on every signal that would end us and that we can hear: for who has changed the terminal. */
export function leaveSignal(): AbortSignal {
  return signalled(ENDING);
}

/**
 * Aborts on SIGINT or SIGTERM. A handler does nothing else; whoever runs takes itself down.
 *
 * The handlers stay after the first signal: write-file-atomic listens as well
 * while it writes, and ends the process at once when nobody else is listening.
 */
export function stopSignal(): AbortSignal {
  return signalled(["SIGINT", "SIGTERM"]);
}

function signalled(names: readonly NodeJS.Signals[]): AbortSignal {
  const stop = new AbortController();
  for (const name of names) process.on(name, () => stop.abort(name));
  return stop.signal;
}
