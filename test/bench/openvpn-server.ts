/** A management interface in a process of its own for the benches: N clients, of whom the first few move before each `status 3`. */
import { createServer } from "node:net";

const [, , path = "", count = "1000", moving = "1000"] = process.argv;
const COLUMNS = [
  ...[
    "Common Name",
    "Real Address",
    "Virtual Address",
    "Virtual IPv6 Address",
    "Bytes Received",
    "Bytes Sent",
  ],
  ...[
    "Connected Since",
    "Connected Since (time_t)",
    "Username",
    "Client ID",
    "Peer ID",
    "Data Channel Cipher",
  ],
];
const SINCE = "2026-11-21 00:33:50\t1795221230";

const figures = Array.from({ length: Number(count) }, (_, id) => ({
  id,
  received: 1e6 + id,
  sent: 1e9 + id,
}));
const hostOf = (id: number) => `${id >> 8}.${id & 255}`;

function status(): string {
  for (const each of figures.slice(0, Number(moving))) {
    each.received += 1_000;
    each.sent += 50_000;
  }
  const clients = figures.map(({ id, received, sent }) =>
    [
      ...[
        "CLIENT_LIST",
        `customer-${id}@example.com`,
        `10.97.${hostOf(id)}:${20_000 + id}`,
        `10.98.${hostOf(id)}`,
      ],
      ...[`fd98::${(0x1000 + id).toString(16)}`, received, sent, SINCE, "UNDEF", id, id, "AES-256-GCM"],
    ].join("\t"),
  );
  const routes = figures.flatMap(({ id }) =>
    [`10.98.${hostOf(id)}`, `fd98::${(0x1000 + id).toString(16)}`].map((address) =>
      [
        "ROUTING_TABLE",
        address,
        `customer-${id}@example.com`,
        `10.97.${hostOf(id)}:${20_000 + id}`,
        SINCE,
      ].join("\t"),
    ),
  );
  return [
    "TITLE\tOpenVPN 2.6.14 x86_64-pc-linux-gnu",
    "TIME\t2026-11-21 00:34:02\t1795221242",
    ["HEADER", "CLIENT_LIST", ...COLUMNS].join("\t"),
    ...clients,
    "HEADER\tROUTING_TABLE\tVirtual Address\tCommon Name\tReal Address\tLast Ref\tLast Ref (time_t)",
    ...routes,
    "GLOBAL_STATS\tMax bcast/mcast queue length\t0",
    "GLOBAL_STATS\tdco_enabled\t0",
    "END\r\n",
  ].join("\r\n");
}

createServer((socket) => {
  socket.write(">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n");
  socket
    .on("error", () => undefined)
    .on("data", (text) => {
      for (const line of text.toString().split("\n").slice(0, -1)) {
        if (line === "status 3") socket.write(status());
        else if (line === "version") socket.write("OpenVPN Version: OpenVPN 2.6.14\r\nEND\r\n");
        else socket.write("SUCCESS: pid=1\r\n");
      }
    });
}).listen(path, () => process.stdout.write("ready\n"));
process.once("SIGTERM", () => process.exit());
