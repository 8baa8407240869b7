/** Which page is looked at, as the browser's address says. */
import { signal } from "@preact/signals";
import { routeOf } from "./route.ts";

export const route = signal(routeOf(location.hash));

addEventListener("hashchange", () => {
  route.value = routeOf(location.hash);
});

/** @param to of `href`. */
export function go(to: string): void {
  location.hash = to;
}

/** Writing the address takes longer than a list takes to follow a letter: it waits for the next one. */
const ADDRESS_MS = 150;
let writing: ReturnType<typeof setTimeout> | undefined;

/** Keeps what a page is filtered by in the address, without a step of its own in the history. "" takes a key out. */
export function keepQuery(changes: Readonly<Record<string, string>>): void {
  const query = new URLSearchParams(route.value.query);
  for (const [key, value] of Object.entries(changes)) {
    if (value === "") query.delete(key);
    else query.set(key, value);
  }
  const [path = ""] = location.hash.split("?");
  const text = query.toString();
  clearTimeout(writing);
  writing = setTimeout(() => {
    // He has gone to another page meanwhile.
    if (location.hash.split("?")[0] !== path) return;
    history.replaceState(null, "", `${path || "#/"}${text === "" ? "" : `?${text}`}`);
  }, ADDRESS_MS);
  route.value = { ...route.value, query };
}
