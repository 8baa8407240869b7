/** The countries with most connections, with a bar each. */
import { percent, whole } from "../format.ts";
import { Table } from "../kit/table.tsx";
import { countryName } from "./country-name.ts";
import type { CountrySum } from "./places.ts";

const SHOWN = 10;

interface TopCountriesProps {
  /** The one with most connections first. */
  readonly sums: readonly CountrySum[];
  /** All connections, also of clients whose place is not known. */
  readonly connections: number;
}

export function TopCountries({ sums, connections }: TopCountriesProps) {
  const most = sums[0]?.connections ?? 0;
  return (
    <Table
      caption="Countries with most connections"
      columns={[
        {
          title: "Country",
          cell: ({ country, connections: its }) => (
            <>
              {countryName(country)}
              <span class="share" aria-hidden="true">
                <span style={{ width: `${percent(its, most)}%` }} />
              </span>
            </>
          ),
        },
        { title: "Connections", number: true, cell: ({ connections: its }) => whole(its) },
        {
          title: "Of all",
          number: true,
          cell: (sum) => `${percent(sum.connections, connections).toFixed(0)} %`,
        },
      ]}
      rows={sums.slice(0, SHOWN)}
      keyOf={({ country }) => country}
      empty="No client's country is known."
    />
  );
}
