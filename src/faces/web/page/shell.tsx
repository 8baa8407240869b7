/** What is around every page: sign-in first, then the head, the navigation and a place for the page. */
import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { SessionBody } from "../wire.ts";
import { dateTime } from "./format.ts";
import { Notice } from "./kit/notice.tsx";
import { searchIsWanted } from "./kit/search-field.tsx";
import { listen, stale, toldAt } from "./live.ts";
import { SignIn } from "./pages/sign-in.tsx";
import { href } from "./route.ts";
import { go, route } from "./router.ts";
import { entryOf, type PageEntry, type PageProps, pagesFor } from "./routes.ts";
import { signOut, standing } from "./session.ts";
import { chooseTheme, type Theme, theme } from "./theme.ts";

export function Shell() {
  const now = standing.value;
  if (now.kind === "asking") return <p class="loading">Loading …</p>;
  if (now.kind === "unreachable") {
    return (
      <main class="alone">
        <Notice kind="error">{now.text}. It is tried again.</Notice>
      </main>
    );
  }
  if (now.kind === "out") return <SignIn ready={now.ready} ended={now.ended} />;
  return <SignedIn key={now.session.name} session={now.session} />;
}

function SignedIn({ session }: { readonly session: SessionBody }) {
  const main = useRef<HTMLElement>(null);
  useEffect(listen, []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => searchOnSlash(event);
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const skip = (event: Event): void => {
    event.preventDefault();
    main.current?.focus();
  };
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <Head session={session} />
      <Navigation admin={session.role === "admin"} />
      <main id="main" ref={main} tabIndex={-1} class={stale.value === "" ? "" : "stale"}>
        <StaleNotice timeZone={session.timeZone} />
        <CurrentPage admin={session.role === "admin"} />
      </main>
    </>
  );
}

function Head({ session }: { readonly session: SessionBody }) {
  const failed = useSignal("");
  const leave = (): void => {
    signOut(false).catch((error: Error) => {
      failed.value = error.message;
    });
  };
  return (
    <header class="head">
      <a class="brand" href={href("overview")}>
        Sluice
      </a>
      <span class="version">{session.version}</span>
      <span class="gap" />
      {failed.value !== "" && <Notice kind="error">{failed.value}</Notice>}
      <ThemeChoice />
      <span class="who">
        <bdi>{session.name}</bdi> <small>({session.role})</small>
      </span>
      <button type="button" class="quiet" onClick={leave}>
        Sign out
      </button>
    </header>
  );
}

function ThemeChoice() {
  return (
    <select
      aria-label="Colours"
      class="theme"
      value={theme.value}
      onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}
    >
      <option value="system">System</option>
      <option value="light">Light</option>
      <option value="dark">Dark</option>
    </select>
  );
}

function Navigation({ admin }: { readonly admin: boolean }) {
  return (
    <nav aria-label="Pages">
      <ul>
        {pagesFor(admin).map(({ page, title }) => (
          <li key={page}>
            <a href={href(page)} aria-current={route.value.page === page ? "page" : undefined}>
              {title}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function StaleNotice({ timeZone }: { readonly timeZone: string }) {
  if (stale.value === "") return null;
  const since = toldAt.value === 0 ? "" : ` since ${dateTime(toldAt.value, timeZone)}`;
  return (
    <div class="over">
      <Notice kind="warning">
        {stale.value}. Nothing was heard{since}; what is shown may be old.
      </Notice>
    </div>
  );
}

function CurrentPage({ admin }: { readonly admin: boolean }) {
  const entry = entryOf(route.value, admin);
  useEffect(() => {
    document.title = entry ? `${entry.title} · Sluice` : "Sluice";
  }, [entry]);
  if (!entry) return <Notice kind="error">There is no such page.</Notice>;
  return <LatePage key={entry.title} entry={entry} />;
}

/** Shows a page once its code is there. A new one takes the focus, so that it is read from its beginning. */
function LatePage({ entry }: { readonly entry: PageEntry }) {
  const loaded = useSignal<{ readonly Page: ComponentType<PageProps> } | "failed" | undefined>(undefined);
  useEffect(() => {
    if (shownBefore && !searchIsWanted.peek()) document.querySelector("main")?.focus({ preventScroll: true });
    shownBefore = true;
    scrollTo(0, 0);
    entry.load().then(
      (module) => {
        loaded.value = module;
      },
      () => {
        loaded.value = "failed";
      },
    );
  }, [entry]);
  if (loaded.value === undefined) return null;
  if (loaded.value === "failed") {
    return <Notice kind="error">This page could not be loaded; Sluice may be newer now: reload.</Notice>;
  }
  const { Page } = loaded.value;
  return <Page route={route.value} />;
}

let shownBefore = false;

function searchOnSlash(event: KeyboardEvent): void {
  const { target } = event;
  const writes = target instanceof HTMLElement && target.closest("input, select, textarea, dialog") !== null;
  if (event.key !== "/" || writes || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (field) return field.focus();
  searchIsWanted.value = true;
  go(href("accounts"));
}
