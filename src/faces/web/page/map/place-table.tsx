/** The map in words: every place with its figures; admins see who is there. */
import type { Place } from "../../wire.ts";
import { whole } from "../format.ts";
import { LongTable } from "../kit/long-table.tsx";
import type { Column } from "../kit/table.tsx";
import { countryName } from "./country-name.ts";
import { placeKey } from "./places.ts";
import { placeName } from "./world-map.tsx";

interface PlaceTableProps {
  readonly places: readonly Place[];
  readonly byCity: boolean;
  readonly onPlace: ((place: Place) => void) | undefined;
}

export function PlaceTable({ places, byCity, onPlace }: PlaceTableProps) {
  const columns: Column<Place>[] = [
    { title: "Country", cell: ({ country }) => countryName(country) },
    ...(byCity ? [{ title: "City", cell: ({ city }: Place) => <bdi>{city === "" ? "–" : city}</bdi> }] : []),
    { title: "Connections", number: true, cell: ({ connections }) => whole(connections) },
    { title: "Addresses", number: true, cell: ({ addresses }) => whole(addresses) },
  ];
  const clients: Column<Place> = {
    title: "Clients",
    cell: (place) => (
      <button
        type="button"
        aria-label={`Show clients in ${placeName(place)}`}
        onClick={() => onPlace?.(place)}
      >
        Show
      </button>
    ),
  };
  return (
    <div class="tall">
      <LongTable
        caption={byCity ? "Clients by city" : "Clients by country"}
        columns={onPlace ? [...columns, clients] : columns}
        rows={places}
        keyOf={placeKey}
        empty="No client's place is known."
      />
    </div>
  );
}
