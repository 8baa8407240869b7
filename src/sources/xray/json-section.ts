/**
 * Reads fields out of foreign JSON and says what did not fit, and where.
 *
 * A section is an object with its path in the file. A missing or null field is
 * simply absent, as it is to the engines; a field of another type is absent
 * too, and named in `problems`, which all sections of one file share. So one
 * broken client never hides the others.
 *
 * Pure: no clock, no I/O.
 */
export interface Section {
  readonly fields: Readonly<Record<string, unknown>>;
  /** As a person would look for it: "inbounds[2].settings". Empty for the whole file. */
  readonly path: string;
  readonly problems: string[];
}

export function textAt(section: Section, key: string): string | undefined {
  const value = fieldAt(section, key);
  if (value === undefined || typeof value === "string") return value;
  return mismatch(section, key, "a string", value);
}

/** A text that has to be there: absent or empty is a problem of its own. Answers "" then. */
export function neededTextAt(section: Section, key: string): string {
  const problemsBefore = section.problems.length;
  const text = textAt(section, key) ?? "";
  if (text === "" && section.problems.length === problemsBefore) {
    section.problems.push(`${pathOf(section, key)}: expected a string, got nothing`);
  }
  return text;
}

/** A whole number from 0 to 2^32 - 1, as levels and alterIds are. */
export function countAt(section: Section, key: string): number | undefined {
  const value = fieldAt(section, key);
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  return mismatch(section, key, "a whole number", value);
}

export function flagAt(section: Section, key: string): boolean {
  const value = fieldAt(section, key);
  if (value === undefined || typeof value === "boolean") return value ?? false;
  mismatch(section, key, "true or false", value);
  return false;
}

export function sectionAt(section: Section, key: string): Section | undefined {
  const value = fieldAt(section, key);
  if (value === undefined) return undefined;
  return asSection(value, pathOf(section, key), section.problems);
}

/** The objects of a list, each with its place; undefined without the list. What is no object is named and left out. */
export function sectionsAt(section: Section, key: string): { at: number; section: Section }[] | undefined {
  const value = fieldAt(section, key);
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return mismatch(section, key, "a list", value);
  return value.flatMap((item: unknown, at) => {
    const found = asSection(item, `${pathOf(section, key)}[${at}]`, section.problems);
    return found ? [{ at, section: found }] : [];
  });
}

/** A list of texts, or one text with commas, which the engines take for the same thing. */
export function textsAt(section: Section, key: string): string[] {
  const value = fieldAt(section, key);
  if (value === undefined) return [];
  if (typeof value === "string") return value.split(",");
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  mismatch(section, key, "a list of strings", value);
  return [];
}

/**
 * The value under `key`, in any case: Go's encoding/json matches names without
 * regard to case, so a client whose "Email" we overlooked would go unmetered.
 */
export function fieldAt(section: Section, key: string): unknown {
  const { fields } = section;
  const lower = key.toLowerCase();
  const name = Object.hasOwn(fields, key)
    ? key
    : Object.keys(fields).findLast((one) => one.toLowerCase() === lower);
  return name === undefined ? undefined : (fields[name] ?? undefined);
}

export function mismatch(section: Section, key: string, expected: string, got: unknown): undefined {
  section.problems.push(`${pathOf(section, key)}: expected ${expected}, got ${typeName(got)}`);
  return undefined;
}

export function typeName(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value;
}

function asSection(value: unknown, path: string, problems: string[]): Section | undefined {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return { fields: value as Record<string, unknown>, path, problems };
  }
  problems.push(`${path}: expected an object, got ${typeName(value)}`);
  return undefined;
}

function pathOf(section: Section, key: string): string {
  return section.path === "" ? key : `${section.path}.${key}`;
}
