/** The pages, in the order of the navigation. Each is loaded when it is first looked at. */
import type { ComponentType } from "preact";
import type { Route } from "./route.ts";

export interface PageProps {
  readonly route: Route;
}

export interface PageEntry {
  /** As in the address: "#/accounts". */
  readonly page: string;
  readonly title: string;
  readonly adminsOnly?: true;
  readonly load: () => Promise<{ readonly Page: ComponentType<PageProps> }>;
}

export const PAGES: readonly PageEntry[] = [
  { page: "overview", title: "Overview", load: () => import("./pages/overview.tsx") },
  { page: "accounts", title: "Accounts", load: () => import("./pages/accounts.tsx") },
  { page: "sessions", title: "Sessions", load: () => import("./pages/sessions.tsx") },
  { page: "connections", title: "Connections", load: () => import("./pages/connections.tsx") },
  { page: "hosts", title: "Hosts", adminsOnly: true, load: () => import("./pages/hosts.tsx") },
  { page: "server", title: "Server", load: () => import("./pages/server.tsx") },
  { page: "settings", title: "Settings", load: () => import("./pages/settings.tsx") },
];

/** One account has a page of its own below the list. */
export const ACCOUNT: PageEntry = {
  page: "accounts",
  title: "Account",
  load: () => import("./pages/account.tsx"),
};

/** Undefined: there is no such page, or not for him. */
export function entryOf({ page, rest }: Route, admin: boolean): PageEntry | undefined {
  if (page === "accounts" && rest[0]) return ACCOUNT;
  return pagesFor(admin).find((entry) => entry.page === page);
}

export function pagesFor(admin: boolean): readonly PageEntry[] {
  return PAGES.filter(({ adminsOnly }) => admin || !adminsOnly);
}
