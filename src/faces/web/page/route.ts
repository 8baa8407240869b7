/**
 * What an address of the page names. Everything is behind the "#", so the server
 * serves one document and whoever signs in anew is still where he was.
 *
 * Pure: no clock, no I/O.
 */

export interface Route {
  /** "overview", "accounts", ...; as it was written, so perhaps no page of ours. */
  readonly page: string;
  /** What follows the page, decoded: an account's name. */
  readonly rest: readonly string[];
  readonly query: URLSearchParams;
}

/** @param hash "#/accounts/bob?range=7d"; "" is the overview. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split(/\?(.*)/s);
  const [page = "", ...rest] = path.split("/").map(decoded);
  return { page: page || "overview", rest, query: new URLSearchParams(query) };
}

/** The link to a page: `href("accounts", "bob")` is "#/accounts/bob". */
export function href(page: string, ...rest: readonly string[]): string {
  return `#/${[page, ...rest].map(encodeURIComponent).join("/")}`;
}

/** Somebody may have typed a "%" of his own. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
