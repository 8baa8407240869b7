/** What the history is told and keeps, for tests that care about a part of it. */
import type { NewBatch } from "../../src/history/records.ts";
import type { Retention } from "../../src/history/upkeep.ts";

const NOTHING: NewBatch = { usage: [], logins: [], accounts: [], seconds: [], events: [] };

/** A batch of these records alone. */
export function batchOf(records: Partial<NewBatch>): NewBatch {
  return { ...NOTHING, ...records };
}

/** Everything for a hundred years, but for what is said. */
export function retention(days: Partial<Retention> = {}): Retention {
  const long = 36_500;
  return {
    ...{ minutesDays: long, hoursDays: long, sessionsDays: long, connectionsDays: long, eventsDays: long },
    ...days,
  };
}
