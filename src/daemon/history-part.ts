/**
 * What the daemon tells the history: who moved how much, and who was logged in.
 *
 * The books are looked at every few seconds and right before a day turns; what
 * was found goes to the history's thread once per flush. While somebody watches
 * they are looked at each second, and seconds and events go to the thread at once.
 * Nothing here waits for the disk, and no quota rests on it.
 */
import type { Clock } from "../clock.ts";
import type { ConnectionsSettings, HistorySettings } from "../config-parts.ts";
import type { PortClaims } from "../history/connections/served-ports.ts";
import { History } from "../history/history.ts";
import { Recorder, type Tally } from "../history/recorder.ts";
import type { LoginRecord, PastEvent } from "../history/records.ts";
import type { KeeperName } from "../names.ts";
import type { Job } from "../scheduler/scheduler.ts";
import type { EventFile, EventRecord } from "../storage/events.ts";
import { monotonicTime } from "../units.ts";
import type { Books } from "./books.ts";
import type { Views } from "./views.ts";

export interface HistoryPartOptions {
  readonly path: string;
  readonly settings: HistorySettings;
  readonly connections: ConnectionsSettings | null;
  readonly books: Books;
  readonly events: EventFile;
  readonly views: Views;
  readonly clock: Clock;
}

/** What is found belongs to the minute it is found in. */
const NOTE_MS = 5_000;
/** While somebody watches, in the middle of each second: a look that is a little early or late is of the same one. */
const SECOND_MS = 1_000;
/** So long before midnight the day's last bytes are noted. */
const BEFORE_MIDNIGHT_MS = 50;

export class HistoryPart implements AsyncDisposable {
  readonly #options: HistoryPartOptions;
  readonly #recorder = new Recorder();
  #history: History | undefined;
  #remembers = false;
  /** Keepers whose logins were all met since the file was read. */
  readonly #met = new Set<KeeperName>();
  readonly #stopListening: () => void;
  #secondAt = monotonicTime(0);
  #noteAt = monotonicTime(0);
  #flushAt = 0;

  constructor(options: HistoryPartOptions) {
    this.#options = options;
    this.#stopListening = options.events.listen((event) => this.#recorder.noteEvent(pastEvent(event)));
  }

  /** Opens the file, in a thread of its own. */
  start(): void {
    const { path, settings, connections, events } = this.#options;
    const history = new History({
      path,
      connections,
      retention: settings,
      onTrouble: (why) => events.record("history-trouble", why, {}, "warning"),
    });
    this.#history = history;
    void history.openLogins().then((open) => {
      this.#recorder.remember(open);
      this.#remembers = true;
    });
  }

  login(record: LoginRecord): void {
    this.#recorder.noteLogin(record);
  }

  /** Says at which ports clients are looked for. */
  claim(claims: PortClaims): void {
    this.#history?.claim(claims);
  }

  /** All logins that a keeper has now were told: those of the file that are not among them are over. */
  lookedAt(keeper: KeeperName): void {
    if (!this.#remembers || this.#met.has(keeper)) return;
    this.#met.add(keeper);
    this.#recorder.endUnmet(keeper);
  }

  get job(): Job {
    return {
      name: "history",
      dueAt: () =>
        this.#options.views.watched && this.#secondAt < this.#noteAt ? this.#secondAt : this.#noteAt,
      run: async (tick) => {
        const { books, settings, clock } = this.#options;
        this.#note();
        this.#secondAt = monotonicTime(tick + 1.5 * SECOND_MS - (clock.unix() % SECOND_MS));
        const left = books.day.end - clock.unix() - BEFORE_MIDNIGHT_MS;
        this.#noteAt = monotonicTime(tick + (left > 0 && left < NOTE_MS ? left : NOTE_MS));
        if (tick < this.#flushAt) return this.#flushSeconds();
        this.#flushAt = tick + settings.flush;
        this.#flush();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    this.#note();
    this.#flush();
    await this.#history?.[Symbol.asyncDispose]();
  }

  #note(): void {
    const { books, clock, views } = this.#options;
    this.#recorder.noteAccounts(talliesOf(books), clock.unix(), books.day.date, views.watched);
  }

  #flush(): void {
    const batch = this.#recorder.takeBatch();
    if (batch) this.#history?.push(batch);
  }

  #flushSeconds(): void {
    if (!this.#options.views.watched) return;
    const batch = this.#recorder.takeSeconds();
    if (batch) this.#history?.push(batch);
  }
}

function pastEvent({ time, kind, user = "", text }: EventRecord): PastEvent {
  return { at: Date.parse(time), kind, user, text };
}

function* talliesOf({ accounts }: Books): Iterable<Tally> {
  for (const { standing, usage, moved } of accounts.values()) {
    yield { account: standing.name, limits: standing.limits, usage, moved };
  }
}
