/**
 * Finds where a text stops being JSON.
 *
 * `JSON.parse` answers with a position only for some faults, so once it has
 * refused a text this looks for the place and for what could have stood there.
 *
 * Pure: no clock, no I/O.
 */
export interface JsonFault {
  /** Offset of the first character that does not fit; the text's length when it ends too early. */
  readonly at: number;
  /** For the tail of a message: 'a value', '":"'. */
  readonly expected: string;
}

/** The first fault of a text that `JSON.parse` has refused. */
export function findFault(json: string): JsonFault {
  /** Brackets that are still open, innermost last. */
  const open: ("{" | "[")[] = [];
  let state: State = "value";
  for (let at = skipSpace(json, 0); ; at = skipSpace(json, at)) {
    const token = tokenAt(json, at);
    const next = follow(state, token, open);
    if (next === undefined) return { at, expected: expectedIn(state, open.at(-1)) };
    state = next;
    at += token.length;
  }
}

/**
 * What may come next: "value" a value; "first item" the same or `]`; "first
 * name" a member's name or `}`; "name" a name; "colon"; "behind" a comma, the
 * closing bracket or, with no bracket open, the end.
 */
type State = "value" | "first item" | "first name" | "name" | "colon" | "behind";

/** The state behind `token`, or undefined when it does not fit. Opens and closes brackets in `open`. */
function follow(state: State, token: string, open: ("{" | "[")[]): State | undefined {
  const inside = open.at(-1);
  switch (state) {
    case "first item":
    case "value":
      if (token === "{" || token === "[") {
        open.push(token);
        return token === "{" ? "first name" : "first item";
      }
      if (state === "first item" && token === "]") return close(open);
      return /^["\w-]/.test(token) ? "behind" : undefined;
    case "first name":
    case "name":
      if (state === "first name" && token === "}") return close(open);
      return token.startsWith('"') ? "colon" : undefined;
    case "colon":
      return token === ":" ? "value" : undefined;
    case "behind":
      if (token === "," && inside !== undefined) return inside === "{" ? "name" : "value";
      return token === CLOSING[inside ?? ""] ? close(open) : undefined;
    default:
      return state satisfies never;
  }
}

function close(open: ("{" | "[")[]): State {
  open.pop();
  return "behind";
}

function expectedIn(state: State, inside: "{" | "[" | undefined): string {
  switch (state) {
    case "value":
      return "a value";
    case "first item":
      return 'a value or "]"';
    case "first name":
      return 'a name in double quotes or "}"';
    case "name":
      return "a name in double quotes";
    case "colon":
      return '":"';
    case "behind":
      return inside === undefined ? "the end" : `"," or "${CLOSING[inside]}"`;
    default:
      return state satisfies never;
  }
}

const CLOSING: Readonly<Record<string, string>> = { "{": "}", "[": "]" };

/**
 * RFC 8259: a bracket, comma or colon, a whole string (of anything from the space
 * up but quote and backslash, and of escapes), a number or one of three words.
 */
const TOKEN =
  /[{}[\],:]|"[ !#-[\]-\uffff]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[ !#-[\]-\uffff]*)*"|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

/** "" at the end and for what is no token. */
function tokenAt(json: string, at: number): string {
  TOKEN.lastIndex = at;
  return TOKEN.exec(json)?.[0] ?? "";
}

function skipSpace(json: string, from: number): number {
  SPACE.lastIndex = from;
  SPACE.exec(json);
  return SPACE.lastIndex;
}

const SPACE = /[ \t\r\n]*/y;
