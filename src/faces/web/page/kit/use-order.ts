/** An order to the server, and how it went. */
import { useState } from "preact/hooks";

export interface Order {
  readonly busy: boolean;
  /** Why it was refused; "" otherwise. */
  readonly error: string;
  /** Runs one at a time. */
  readonly run: (what: () => Promise<void>) => void;
}

export function useOrder(): Order {
  const [state, setState] = useState({ busy: false, error: "" });
  const run = (what: () => Promise<void>): void => {
    if (state.busy) return;
    setState({ busy: true, error: "" });
    what().then(
      () => setState({ busy: false, error: "" }),
      (error: unknown) =>
        setState({ busy: false, error: error instanceof Error ? error.message : String(error) }),
    );
  };
  return { ...state, run };
}
