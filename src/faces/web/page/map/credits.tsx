/** Whose data the map shows: their licences want it said where it is shown. And how old it is. */
import type { GeoDatabase } from "../../wire.ts";
import { monthsOld } from "./places.ts";

/** Addresses change hands: from this age on, countries are often wrong. */
const OLD_MONTHS = 3;

interface CreditsProps {
  readonly database: GeoDatabase | undefined;
  readonly now: number;
}

export function Credits({ database, now }: CreditsProps) {
  const months = database ? monthsOld(database.builtAt, now) : 0;
  return (
    <p class="credits">
      {database && database.name !== "" && (
        <span class={months >= OLD_MONTHS ? "warning" : undefined}>
          {database.name}
          {database.builtAt > 0 && (months === 0 ? " is of this month" : ` is ${monthsText(months)} old`)}
          {" · "}
        </span>
      )}
      {database?.attribution && (
        <>
          <a href={database.attribution.url} target="_blank" rel="noreferrer">
            {database.attribution.text}
          </a>
          {" · "}
        </>
      )}
      Made with Natural Earth
    </p>
  );
}

function monthsText(months: number): string {
  return months === 1 ? "a month" : `${months} months`;
}
