/** Where clients connect from: now on a map, and by the hour. */
import { useSignal } from "@preact/signals";
import { useCallback, useMemo } from "preact/hooks";
import type { ConnectionsBody, Place } from "../../wire.ts";
import { whole } from "../format.ts";
import { Tabs } from "../kit/field.tsx";
import { Notice } from "../kit/notice.tsx";
import { Panel } from "../kit/panel.tsx";
import { Table } from "../kit/table.tsx";
import { Tile, Tiles } from "../kit/tile.tsx";
import { useFetched } from "../kit/use-fetched.ts";
import { Credits } from "../map/credits.tsx";
import { HoursPanel } from "../map/hours-panel.tsx";
import { Legend } from "../map/legend.tsx";
import { PlaceDialog } from "../map/place-dialog.tsx";
import { PlaceTable } from "../map/place-table.tsx";
import { countriesOf, placeKey } from "../map/places.ts";
import { TopCountries } from "../map/top-countries.tsx";
import { useDrawing } from "../map/use-drawing.ts";
import { WorldMap } from "../map/world-map.tsx";
import { keepQuery } from "../router.ts";
import type { PageProps } from "../routes.ts";
import { viewer } from "../session.ts";

const REFRESH_MS = 5_000;
const NO_PLACES: readonly Place[] = [];

export function Page({ route }: PageProps) {
  const by = route.query.get("by") === "city" ? "city" : "country";
  const { body, error } = useFetched<ConnectionsBody>(`connections?by=${by}`, REFRESH_MS);
  const drawing = useDrawing();
  const chosen = useSignal<Place | undefined>(undefined);
  const session = viewer();
  const timeZone = session?.timeZone ?? "UTC";
  const places = body?.places ?? NO_PLACES;
  const sums = useMemo(() => countriesOf(places), [places]);
  const choose = useCallback((place: Place): void => {
    chosen.value = place;
  }, []);
  const onPlace = session?.role === "admin" ? choose : undefined;
  return (
    <>
      <div class="title">
        <h1>Connections</h1>
        <span class="gap" />
        <Tabs
          label="Places"
          value={by}
          options={[
            ["country", "By country"],
            ["city", "By city"],
          ]}
          onChange={(value) => keepQuery({ by: value === "city" ? value : "" })}
        />
      </div>
      {error !== "" && <Notice kind="error">{error}</Notice>}
      {body && body.database.trouble !== "" && <Notice kind="warning">{body.database.trouble}</Notice>}
      <Figures body={body} countries={sums.length} />
      <div class="map-and-list">
        <Panel title="Map">
          <div class="map">
            {drawing === "failed" && <Notice kind="error">The map could not be loaded: reload.</Notice>}
            {typeof drawing === "object" && <WorldMap drawing={drawing} places={places} onPlace={onPlace} />}
            {drawing === undefined && <div class="world" />}
          </div>
          <Legend sums={sums} />
          <Credits database={body?.database} now={Date.now()} />
        </Panel>
        <Panel title="Top countries">
          {body && <TopCountries sums={sums} connections={body.connections} />}
        </Panel>
      </div>
      <HoursPanel timeZone={timeZone} />
      <div class="columns">
        <Panel title={by === "city" ? "All cities" : "All countries"}>
          {body && <PlaceTable places={places} byCity={by === "city"} onPlace={onPlace} />}
        </Panel>
        <Panel title="Services">{body && <Services services={body.services} />}</Panel>
      </div>
      {chosen.value && (
        <PlaceDialog
          place={newest(chosen.value, places)}
          timeZone={timeZone}
          onClose={() => {
            chosen.value = undefined;
          }}
        />
      )}
    </>
  );
}

interface FiguresProps {
  readonly body: ConnectionsBody | undefined;
  readonly countries: number;
}

/** What is not known yet is no zero. */
function Figures({ body, countries }: FiguresProps) {
  const shown = (count: number | undefined) => (count === undefined ? "–" : whole(count));
  return (
    <Tiles>
      <Tile name="Connections" value={shown(body?.connections)} note="that stand now" />
      <Tile name="Addresses" value={shown(body?.addresses)} note="seen within 5 minutes" />
      <Tile name="Countries" value={shown(body && countries)} />
      <Tile name="Private addresses" value={shown(body?.private)} note="on no map" />
      <Tile name="Unknown addresses" value={shown(body?.unknown)} note="without a place" />
    </Tiles>
  );
}

function Services({ services }: Pick<ConnectionsBody, "services">) {
  return (
    <Table
      caption="Clients by service"
      columns={[
        { title: "Service", cell: ({ service }) => service },
        { title: "Connections", number: true, cell: ({ connections }) => whole(connections) },
        { title: "Addresses", number: true, cell: ({ addresses }) => whole(addresses) },
      ]}
      rows={services}
      keyOf={({ service }) => service}
      empty="Nobody is connected."
    />
  );
}

/** The chosen place as it is now; as it was when nobody is there any more. */
function newest(chosen: Place, places: readonly Place[]): Place {
  const key = placeKey(chosen);
  return places.find((place) => placeKey(place) === key) ?? chosen;
}
