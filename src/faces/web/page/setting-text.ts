/**
 * A setting as a person writes it: the server has it in JSON.
 *
 * Pure: no clock, no I/O.
 */

/** What kind of field a setting has. Lists and whatever else stay JSON. */
export type SettingKind = "flag" | "number" | "text" | "json";

/** @param fallback decides where the value itself says nothing: null, or none at all. */
export function kindOf(value: string, fallback: string): SettingKind {
  const [kind = "json"] = [value, fallback].flatMap((json) => {
    const parsed = parsedOf(json);
    if (typeof parsed === "boolean") return "flag" as const;
    if (typeof parsed === "number") return "number" as const;
    return typeof parsed === "string" ? ("text" as const) : [];
  });
  return kind;
}

/** What the field shows. */
export function textOf(value: string): string {
  const parsed = parsedOf(value);
  return typeof parsed === "string" ? parsed : value;
}

/** What is sent. @throws {SyntaxError} for what is no number, or no JSON. */
export function jsonOf(kind: SettingKind, text: string): string {
  const trimmed = text.trim();
  if (kind === "text") return JSON.stringify(text);
  if (kind === "number" && !/^-?\d+(?:\.\d+)?$/.test(trimmed)) {
    throw new SyntaxError(`Expected a number, got "${text}"`);
  }
  if (parsedOf(trimmed) === undefined) throw new SyntaxError(`Expected JSON (["a", "b"]), got "${text}"`);
  return trimmed;
}

function parsedOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
