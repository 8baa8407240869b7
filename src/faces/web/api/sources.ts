/** Where the API's answers come from: the daemon, the history, the capture, the database of places. */
import type { Settings } from "../../../config.ts";
import type { UserRow, WebDesk } from "../../../control/rows.ts";
import type { LoginQuery } from "../../../history/queries.ts";
import type {
  ClientAddress,
  ConnectionHour,
  LoginRecord,
  LoginTotal,
  PastEvent,
} from "../../../history/records.ts";
import type { CaptureClient } from "../../../hosts/capture-client.ts";
import type { Log } from "../../../log.ts";
import type { Viewer } from "../viewer.ts";
import type { GeoDatabase, LiveMessage, LiveView } from "../wire.ts";

export interface ApiSources {
  readonly desk: WebDesk;
  /** Opens it for one request. Undefined where there is none, or none yet: answers are empty then. */
  readonly history: () => ApiHistory | undefined;
  readonly hub: ApiHub;
  readonly capture: Pick<CaptureClient, "rows">;
  readonly places: ApiPlaces;
  readonly settings: Settings;
  /** Told of what went wrong inside: whoever asked hears no details. */
  readonly log: Log;
  /** Unix time, ms. */
  readonly now: () => number;
}

/**
 * What the history answers; every question holds the loop while it is answered,
 * 200 ms at most. It is for one request, which closes it.
 */
export interface ApiHistory extends Disposable {
  /** Newest first. */
  logins(query: LoginQuery): readonly LoginRecord[];
  loginTotals(service: string): readonly LoginTotal[];
  /** Newest first. */
  events(query: EventQuery): readonly PastEvent[];
  /** Of clients that were seen then or later. */
  clientAddresses(query: { readonly since: number }): readonly ClientAddress[];
  /** In order. */
  connectionHours(query: { readonly since: number; readonly until: number }): readonly ConnectionHour[];
  /** In order; of one account, or of all. */
  series(span: UsageSpan, account?: string): readonly UsagePoint[];
  /** Of all accounts. */
  traffic(query: { readonly since: number }): { readonly up: number; readonly down: number };
}

export interface EventQuery {
  readonly account?: string | undefined;
  readonly kind?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly most?: number | undefined;
}

/** As the history's own; days are "YYYY-MM-DD". */
export interface UsageSpan {
  readonly per: "5 minutes" | "hour" | "day";
  /** The first and the one after the last: ms since 1970, or days. */
  readonly since: number | string;
  readonly until: number | string;
}

export interface UsagePoint {
  readonly at: number | string;
  readonly up: number;
  readonly down: number;
}

/** What the live views know already. */
export interface ApiHub {
  users(): ReadonlyMap<string, UserRow>;
  /** When the daemon told of its accounts last; 0 never. */
  readonly heardAt: number;
  view(view: LiveView, viewer: Viewer): Promise<LiveMessage>;
}

export interface Whereabouts {
  /** Two letters of ISO 3166. */
  readonly country: string;
  /** "" where the database has none. */
  readonly city: string;
  readonly latitude: number;
  readonly longitude: number;
}

export interface ApiPlaces {
  placeOf(address: string): Whereabouts | "private" | undefined;
  database(): GeoDatabase;
}
