/** A field with its name above it and, where one is needed, an explanation below. */
import { useId } from "preact/hooks";

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly hint?: string;
  readonly type?: "text" | "password";
  readonly autocomplete?: "off" | "username" | "current-password";
  readonly placeholder?: string;
  readonly required?: boolean;
  /** Names are written in any direction. */
  readonly isName?: boolean;
  readonly autofocus?: boolean;
}

export function Field(props: FieldProps) {
  const { label, value, onInput, hint, type = "text", autocomplete = "off" } = props;
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type={type as "text"} // Preact's types tell inputs apart by the roles they may have: ours has none.
        value={value}
        autocomplete={autocomplete}
        placeholder={props.placeholder}
        required={props.required}
        autofocus={props.autofocus}
        dir={props.isName ? "auto" : undefined}
        spellcheck={false}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {hint !== undefined && (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </div>
  );
}

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  /** Value and text. */
  readonly options: readonly (readonly [Value, string])[];
  readonly onChange: (value: Value) => void;
}

export function Choice<Value extends string>({ label, value, options, onChange }: ChoiceProps<Value>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          const chosen = options.find(([one]) => one === event.currentTarget.value);
          if (chosen) onChange(chosen[0]);
        }}
      >
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** One of a few, side by side: a range, a view. */
export function Tabs<Value extends string>({ label, value, options, onChange }: ChoiceProps<Value>) {
  return (
    <div class="tabs" role="group" aria-label={label}>
      {options.map(([one, text]) => (
        <button key={one} type="button" aria-pressed={one === value} onClick={() => onChange(one)}>
          {text}
        </button>
      ))}
    </div>
  );
}
