/** Who the clients of one place are. */
import type { Place } from "../../wire.ts";
import { dateTime, whole } from "../format.ts";
import { Dialog } from "../kit/dialog.tsx";
import { type Column, Table } from "../kit/table.tsx";
import { placeName } from "./world-map.tsx";

interface PlaceDialogProps {
  readonly place: Place;
  readonly timeZone: string;
  readonly onClose: () => void;
}

type Client = Place["clients"][number];

export function PlaceDialog({ place, timeZone, onClose }: PlaceDialogProps) {
  const { clients, addresses, connections } = place;
  const columns: readonly Column<Client>[] = [
    { title: "Address", cell: ({ address }) => address },
    { title: "Service", cell: ({ service }) => service },
    { title: "First seen", wide: true, cell: ({ firstSeen }) => dateTime(firstSeen, timeZone) },
    { title: "Last seen", cell: ({ lastSeen }) => <span class="whole">{dateTime(lastSeen, timeZone)}</span> },
  ];
  return (
    <Dialog title={placeName(place)} onClose={onClose}>
      <p>
        {whole(connections)} connections of {whole(addresses)} addresses
        {clients.length < addresses && clients.length > 0 && `; the first ${whole(clients.length)} of them`}
      </p>
      <div class="tall">
        <Table
          caption={`Clients in ${placeName(place)}`}
          columns={columns}
          rows={clients}
          keyOf={({ address, service }) => `${address} ${service}`}
          empty="None is left."
        />
      </div>
    </Dialog>
  );
}
