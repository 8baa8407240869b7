/** Where the API's answers come from: the daemon, the history, the capture, the database of places. */
import type { Settings } from "../../../config.ts";
import type { UserRow, WebDesk } from "../../../control/rows.ts";
import type { HistoryReader } from "../../../history/queries.ts";
import type { CaptureClient } from "../../../hosts/capture-client.ts";
import type { Viewer } from "../viewer.ts";
import type { GeoDatabase, LiveMessage, LiveView } from "../wire.ts";

export interface ApiSources {
  readonly desk: WebDesk;
  /** Opens it for one request. Undefined where there is none, or none yet: answers are empty then. */
  readonly history: () => HistoryReader | undefined;
  readonly hub: ApiHub;
  readonly capture: Pick<CaptureClient, "rows">;
  readonly places: ApiPlaces;
  readonly settings: Settings;
  /** Unix time, ms. */
  readonly now: () => number;
}

/** What the live views know already: asking them costs the daemon nothing more. */
export interface ApiHub {
  /** Whether what `users()` has is so now. */
  heard(): Promise<boolean>;
  users(): ReadonlyMap<string, UserRow>;
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
  /** Resolves once the database is open, if it can be: nobody is placed before. Never rejects. */
  ready(): Promise<void>;
  placeOf(address: string): Whereabouts | "private" | undefined;
  database(): GeoDatabase;
}
