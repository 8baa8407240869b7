/**
 * What the server tells of what the page looks at: over a WebSocket, or, while
 * none can be opened, by asking every 5 s. What was told last stands until
 * something newer comes: an outage is shown as such and is never a zero.
 */
import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { UserRow } from "../../../control/rows.ts";
import type { LiveMessage, LiveView, Overview } from "../wire.ts";
import { type AccountList, NO_ACCOUNTS, withRows } from "./account-list.ts";
import { ApiError, addressOf, get } from "./api.ts";
import { type HostList, NO_HOSTS, withHosts } from "./host-list.ts";

export const overview = signal<Overview | undefined>(undefined);
export const accounts = signal<AccountList>(NO_ACCOUNTS);
/** null: nobody has that name; undefined: not told yet. */
export const account = signal<UserRow | null | undefined>(undefined);
export const hosts = signal<HostList>(NO_HOSTS);

/** How the server is heard: "none" means not at all. */
export const link = signal<"opening" | "socket" | "polling" | "none">("opening");
/** Why what is shown may be old; "" while it is not. */
const trouble = signal("");
/** The socket stands, but nothing comes, where something comes each second: the way to the server may be cut. */
const silent = signal(false);
/** When something was told last, by the server's clock: ms since 1970; 0 never. */
export const toldAt = signal(0);

/** Why the figures shown are not of now; "" while they are. */
export const stale = computed(() => {
  if (link.value === "none" || silent.value) return "The dashboard's server does not answer";
  return trouble.value;
});

const SILENT_MS = 10_000;
const POLL_MS = 5_000;
/** A proxy that refuses upgrades does so tomorrow too: it is asked seldom. */
const REOPEN_MS = [1_000, 2_000, 5_000, 10_000, 30_000] as const;

let view: LiveView = { view: "none" };
let socket: WebSocket | undefined;
let pollTimer: ReturnType<typeof setTimeout> | undefined;
let reopenTimer: ReturnType<typeof setTimeout> | undefined;
let tries = 0;
/** When anything came over the socket, or was asked for, by our own clock. */
let stirredAt = 0;
/** Ends the question that is out when what is looked at changes. */
let asking = new AbortController();

/** Looks at something for as long as the component is there. */
export function useLive(wanted: LiveView): void {
  const name = wanted.view === "account" ? wanted.name : "";
  useEffect(() => {
    look(wanted);
    return () => look({ view: "none" });
  }, [wanted.view, name]);
}

/** Opens the line; somebody is signed in. @returns what closes it. */
export function listen(): () => void {
  tries = 0;
  open();
  const watched = setInterval(() => {
    const waits = link.value === "socket" && view.view !== "none" && trouble.value === "";
    silent.value = waits && performance.now() - stirredAt > SILENT_MS;
  }, POLL_MS);
  return () => {
    clearInterval(watched);
    clearTimeout(reopenTimer);
    stopPolling();
    const closing = socket;
    socket = undefined;
    closing?.close();
    link.value = "opening";
    trouble.value = "";
    overview.value = undefined;
    accounts.value = NO_ACCOUNTS;
    account.value = undefined;
    hosts.value = NO_HOSTS;
  };
}

function look(wanted: LiveView): void {
  view = wanted;
  stirred();
  trouble.value = "";
  if (wanted.view === "account") account.value = undefined;
  if (link.value === "socket") socket?.send(JSON.stringify(view));
  else if (pollTimer !== undefined) void poll();
}

function open(): void {
  const address = addressOf("live");
  address.protocol = address.protocol.replace("http", "ws");
  const opening = new WebSocket(address);
  socket = opening;
  opening.onopen = () => {
    if (socket !== opening) return;
    tries = 0;
    stopPolling();
    link.value = "socket";
    stirred();
    opening.send(JSON.stringify(view));
  };
  opening.onmessage = ({ data }) => {
    if (socket === opening && typeof data === "string") take(JSON.parse(data) as LiveMessage);
  };
  opening.onclose = () => {
    if (socket !== opening) return;
    socket = undefined;
    reopenTimer = setTimeout(open, REOPEN_MS[Math.min(tries++, REOPEN_MS.length - 1)]);
    if (pollTimer === undefined) void poll();
  };
}

/** A login that has ended shows here too: the answer is 401, and the page asks for a new one. */
async function poll(): Promise<void> {
  stopPolling();
  pollTimer = setTimeout(() => void poll(), POLL_MS);
  const abort = asking;
  if (view.view === "none") return;
  const query = new URLSearchParams({
    view: view.view,
    ...(view.view === "account" ? { name: view.name } : {}),
  });
  try {
    const message = await get<LiveMessage>(
      `live?${query}`,
      AbortSignal.any([abort.signal, AbortSignal.timeout(POLL_MS)]),
    );
    if (abort.signal.aborted) return;
    link.value = "polling";
    take(message);
  } catch (error) {
    if (abort.signal.aborted) return;
    if (error instanceof ApiError && error.status !== 0) trouble.value = error.message;
    else link.value = "none";
  }
}

function stopPolling(): void {
  clearTimeout(pollTimer);
  pollTimer = undefined;
  asking.abort();
  asking = new AbortController();
}

function stirred(): void {
  stirredAt = performance.now();
  silent.value = false;
}

function take(message: LiveMessage): void {
  stirred();
  if (message.type === "trouble") {
    trouble.value = message.text;
    return;
  }
  trouble.value =
    message.type === "overview" && !message.overview.connected ? "The daemon does not answer" : "";
  toldAt.value = message.at;
  if (message.type === "overview") overview.value = message.overview;
  else if (message.type === "accounts") accounts.value = withRows(accounts.value, message);
  else if (message.type === "account") account.value = message.account;
  else hosts.value = withHosts(hosts.value, message);
}
