/** What is examined: a host, its settings, and what a daemon on it says. */
import type { Settings } from "../../config.ts";
import type { Status, UserRow } from "../../control/rows.ts";
import type { UnixTime } from "../../units.ts";
import type { EngineFacts } from "./engine-facts.ts";
import type { Finding } from "./finding.ts";
import type { Host } from "./host.ts";
import type { ProcessFacts } from "./process-table.ts";

export interface Case {
  readonly host: Host;
  readonly settings: Settings;
  /** Undefined while none answers. */
  readonly daemon: DaemonWord | undefined;
  readonly engines: readonly EngineFacts[];
  readonly processes: readonly ProcessFacts[];
  readonly now: UnixTime;
}

/** What the running daemon says of itself and of its users. */
export interface DaemonWord {
  readonly status: Status;
  readonly users: readonly UserRow[];
}

export interface Check {
  /** The name its findings go by. */
  readonly name: string;
  /** Whether only root sees enough to judge. */
  readonly root?: true;
  /** @throws anything: then it is a finding that it could not look. */
  readonly look: (it: Case) => readonly Finding[] | Promise<readonly Finding[]>;
}

/** Checks that are shown together. */
export interface Group {
  readonly title: string;
  readonly checks: readonly Check[];
}
