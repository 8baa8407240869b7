/** The field a list is searched by: "/" leads to it from anywhere on the page. */
import { signal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";

/** He pressed "/" where nothing can be searched, and is on his way to the accounts. */
export const searchIsWanted = signal(false);

interface SearchFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
}

export function SearchField({ label, value, onInput }: SearchFieldProps) {
  const element = useRef<HTMLInputElement>(null);
  const id = useId();
  useEffect(() => {
    if (!searchIsWanted.peek()) return;
    searchIsWanted.value = false;
    element.current?.focus();
  }, []);
  return (
    <div class="field search">
      <label for={id}>{label}</label>
      <input
        id={id}
        ref={element}
        type="search"
        dir="auto"
        value={value}
        placeholder="/"
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </div>
  );
}
