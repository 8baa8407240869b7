/** The whole daemon inside the test, so that what it is told and what it says are at hand. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseSettings } from "../../src/config.ts";
import type { Desk, UserRow } from "../../src/control/rows.ts";
import { openOffice } from "../../src/enforce.ts";
import type { EventKind, EventRecord } from "../../src/storage/events.ts";
import { until } from "./until.ts";

export interface FaultOffice extends AsyncDisposable {
  readonly desk: Desk;
  /** Everything recorded so far, whether the disk took it or not. */
  readonly events: readonly EventRecord[];
  kinds(kind: EventKind): readonly EventRecord[];
  row(name: string): Promise<UserRow>;
  /** Bytes booked to him since his account began. */
  lifetime(name: string): Promise<readonly [up: number, down: number]>;
  /** Waits until exactly so much is booked to him. */
  booked(name: string, up: number, down: number): Promise<void>;
}

export interface FaultOfficeOptions {
  /** State and run directories go below it. */
  readonly folder: string;
  /** The log directory goes below it. */
  readonly logFolder?: string;
  /** Above the folders, as in a settings file. */
  readonly settings: object;
}

const quiet = { write: () => undefined };

/** Resolves after the engine's first look. It is stopped, and saves all it can, when it is disposed of. */
export async function startFaultOffice(options: FaultOfficeOptions): Promise<FaultOffice> {
  const { folder, logFolder = folder, settings } = options;
  const directories = {
    state_directory: join(folder, "state"),
    runtime_directory: join(logFolder, "run"),
    log_directory: join(logFolder, "log"),
    data_directory: join(logFolder, "data"),
    ssh: null, // the logins and the kernel of this machine are nobody's to touch
  };
  await mkdir(join(logFolder, "run"), { recursive: true });
  const office = await openOffice({
    settings: parseSettings("the test's settings", { ...directories, ...settings }, {}, "UTC"),
    log: quiet,
    mode: "enforce",
    wait: undefined,
  });
  const { desk } = office;
  const events: EventRecord[] = [];
  office.events.listen((event) => events.push(event));
  const stop = new AbortController();
  const running = office.run(stop.signal);
  const row = async (name: string) => (await desk.listUsers(name))[0] as UserRow;
  const lifetime = async (name: string) => {
    const { lifetimeUplinkBytes, lifetimeDownlinkBytes } = await row(name);
    return [lifetimeUplinkBytes, lifetimeDownlinkBytes] as const;
  };
  await until("the engine answers", async () =>
    (await desk.status()).sources.every(({ answering }) => answering),
  );
  return {
    desk,
    events,
    kinds: (kind) => events.filter((event) => event.kind === kind),
    row,
    lifetime,
    booked: async (name, up, down) => {
      await until(
        `${name} has ${up} up and ${down} down`,
        async () => {
          const seen = await lifetime(name).catch(() => undefined); // not known yet
          return seen !== undefined && seen[0] === up && seen[1] === down;
        },
        15_000,
        () => lifetime(name),
      );
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await running;
      await office[Symbol.asyncDispose]();
    },
  };
}
