/** Something of the API that a component shows. */
import { useEffect, useState } from "preact/hooks";
import { get } from "../api.ts";

export interface Fetched<Body> {
  /** What was answered last: it stays while it is asked anew, and when that fails. */
  readonly body: Body | undefined;
  /** Why there is no newer answer; "" otherwise. */
  readonly error: string;
  readonly reload: () => void;
}

/**
 * @param path as for `get`; undefined asks nothing.
 * @param everyMs asks again so often, while the page can be seen; 0 once.
 * @param turn asks again when it changes.
 */
export function useFetched<Body>(path: string | undefined, everyMs = 0, turn = 0): Fetched<Body> {
  const [state, setState] = useState<{ path?: string; body?: Body; error: string }>({ error: "" });
  const [own, setOwn] = useState(0);
  useEffect(() => {
    if (path === undefined) return;
    const abort = new AbortController();
    get<Body>(path, abort.signal).then(
      (body) => !abort.signal.aborted && setState({ path, body, error: "" }),
      (error: unknown) => {
        const text = error instanceof Error ? error.message : String(error);
        if (!abort.signal.aborted) setState((before) => ({ ...before, error: text }));
      },
    );
    return () => abort.abort();
  }, [path, own, turn]);
  useEffect(() => {
    if (everyMs === 0) return;
    const timer = setInterval(() => !document.hidden && setOwn((before) => before + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return {
    body: state.path === path ? state.body : undefined,
    error: state.error,
    reload: () => setOwn((before) => before + 1),
  };
}
