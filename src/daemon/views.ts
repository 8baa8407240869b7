/** Who watches, and which accounts are on a screen: those are read at tick speed, the others every tenth of a second. */
import type { UserName } from "../names.ts";

/** One watcher's screen; nobody's once it is disposed of. */
export interface View extends Disposable {
  show(names: readonly string[]): void;
}

const NOBODY: ReadonlySet<UserName> = new Set();

export class Views {
  readonly #onChange: () => void;
  readonly #screens = new Map<View, readonly string[]>();
  #names = NOBODY;

  /** @param onChange somebody began to watch, or looks at others. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get watched(): boolean {
    return this.#screens.size > 0;
  }

  /** Accounts on any screen; some may not exist. */
  get names(): ReadonlySet<UserName> {
    return this.#names;
  }

  open(): View {
    const view: View = {
      show: (names) => {
        this.#screens.set(view, names);
        this.#join();
      },
      [Symbol.dispose]: () => {
        this.#screens.delete(view);
        this.#join();
      },
    };
    view.show([]);
    return view;
  }

  #join(): void {
    this.#names = new Set([...this.#screens.values()].flat() as UserName[]);
    this.#onChange();
  }
}
