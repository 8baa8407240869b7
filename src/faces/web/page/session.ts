/** Who is signed in here. */
import { effect, signal } from "@preact/signals";
import type { SessionBody, SetupBody } from "../wire.ts";
import { ApiError, get, order, refusals } from "./api.ts";

export type Standing =
  | { readonly kind: "asking" }
  /** Nothing answers; it is tried again. */
  | { readonly kind: "unreachable"; readonly text: string }
  /** `ready`: there is an admin who could. */
  | { readonly kind: "out"; readonly ready: boolean; readonly ended: boolean }
  | { readonly kind: "in"; readonly session: SessionBody };

export const standing = signal<Standing>({ kind: "asking" });

/** Who looks at the page; undefined while nobody is signed in. */
export function viewer(): SessionBody | undefined {
  return standing.value.kind === "in" ? standing.value.session : undefined;
}

export function isAdmin(): boolean {
  return viewer()?.role === "admin";
}

/** Asks until something answers. */
export async function findOutWhoIsSignedIn(): Promise<void> {
  try {
    standing.value = { kind: "in", session: await get<SessionBody>("session") };
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) await signedOut(false);
    else unreachable(error);
  }
}

/** @throws {ApiError} when the name or the password is wrong, or it was tried too often. */
export async function signIn(username: string, password: string): Promise<void> {
  standing.value = {
    kind: "in",
    session: await order<SessionBody>("POST", "session", { username, password }),
  };
}

/** @param everywhere his other browsers too. @throws {ApiError} */
export async function signOut(everywhere: boolean): Promise<void> {
  await order("DELETE", everywhere ? "sessions" : "session");
  standing.value = { kind: "out", ready: true, ended: false };
}

/** A login ends while the page is open: where he is stays in the address. */
effect(() => {
  if (refusals.value > 0 && standing.peek().kind === "in") void signedOut(true);
});

async function signedOut(ended: boolean): Promise<void> {
  try {
    const { ready } = await get<SetupBody>("setup");
    standing.value = { kind: "out", ready, ended };
  } catch (error) {
    unreachable(error);
  }
}

const RETRY_MS = 5_000;

function unreachable(error: unknown): void {
  standing.value = { kind: "unreachable", text: error instanceof Error ? error.message : String(error) };
  setTimeout(() => void findOutWhoIsSignedIn(), RETRY_MS);
}
