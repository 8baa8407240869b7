/** The rows on what it costs to read an OpenVPN server, and the target they are held to. */
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstLine, startNode } from "./children.ts";
import { programPath } from "./program-path.ts";
import { number, type Row } from "./table.ts";

const CLIENTS = 1_000;
/** Milliseconds of CPU. */
const MOST_PER_POLL = 5;

/** @param polls how many are measured. */
export async function* openvpnPollRows(polls: number): AsyncGenerator<Row> {
  for (const moving of [30, CLIENTS]) {
    const bare = await costOf("bare", moving, polls);
    const books = await costOf("books", moving, polls);
    yield {
      what: `Poll of ${number(CLIENTS)} OpenVPN clients of whom ${number(moving)} move`,
      ratio: `${number(books / bare, 1)} x bare`,
      figures: `${number(books, 2)} ms of CPU to read, parse and book, ${number(bare, 2)} ms to read alone (the calmest 50 of ${polls})`,
      target: { text: `<= ${MOST_PER_POLL} ms`, met: books <= MOST_PER_POLL },
    };
  }
}

async function costOf(mode: "bare" | "books", moving: number, polls: number): Promise<number> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sluice-bench-"));
  const address = join(folder.path, "mgmt.sock");
  await using server = startNode([
    programPath("openvpn-server.ts"),
    address,
    String(CLIENTS),
    String(moving),
  ]);
  await firstLine(server);
  await using poller = startNode([programPath("openvpn-poller.ts"), address, mode, String(polls)]);
  return Number(await firstLine(poller));
}
