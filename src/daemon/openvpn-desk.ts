/** What faces ask of the OpenVPN servers together: their rows, all logins, and the end of one user's. */
import type { KickReply, OpenvpnLoginRow, OpenvpnServerRow } from "../control/rows.ts";
import { RefusedRequestError, UnreachableError } from "../errors.ts";
import type { UserName } from "../names.ts";
import type { EventFile } from "../storage/events.ts";
import type { Books } from "./books.ts";
import type { OpenvpnView } from "./openvpn-view.ts";

export interface OpenvpnDeskOptions {
  readonly views: readonly OpenvpnView[];
  readonly books: Pick<Books, "entry">;
  readonly events: Pick<EventFile, "record">;
}

export class OpenvpnDesk {
  readonly #options: OpenvpnDeskOptions;

  constructor(options: OpenvpnDeskOptions) {
    this.#options = options;
  }

  servers(): readonly OpenvpnServerRow[] {
    return this.#views().map((view) => view.row());
  }

  logins(): readonly OpenvpnLoginRow[] {
    return this.#views()
      .flatMap((view) => view.logins())
      .sort(byPlace);
  }

  /**
   * @throws {UnknownUserError}
   * @throws {RefusedRequestError} when he has no login.
   * @throws {UnreachableError} when a server does not answer, unless it is the one of several that had none of his.
   */
  async kick(name: string, by: string): Promise<KickReply> {
    const { books, events } = this.#options;
    const { standing, users } = books.entry(name as UserName);
    const names = new Set<string>([standing.name, ...users]); // a server knows him by each
    const replies: KickReply[] = [];
    for (const view of this.#views()) {
      const { name: server } = view.row();
      const his = new Set(view.logins().flatMap(({ user }) => (names.has(user) ? [user] : [])));
      for (const user of his) {
        const reply = await view.kick(user as UserName);
        replies.push(reply);
        events.record("kicked", `Logins of ${name} at ${server} ended by ${by}: ${reply.ended}`, {
          ...{ user: name, by, server },
          ended: reply.ended,
        });
      }
    }
    if (replies.length === 0) throw this.#nothingToEnd(name);
    return {
      ended: replies.reduce((sum, { ended }) => sum + ended, 0),
      text: replies.map(({ text }) => text).join("; "),
    };
  }

  #views(): readonly OpenvpnView[] {
    return this.#options.views
      .filter(({ idle }) => !idle)
      .sort((left, right) => compare(left.row().name, right.row().name));
  }

  #nothingToEnd(name: string): Error {
    const rows = this.servers();
    const silent = rows.find(({ answering }) => !answering);
    if (silent) {
      return new UnreachableError(
        `Cannot end the logins of "${name}": ${silent.name} does not answer (${silent.trouble})`,
      );
    }
    const places = rows.map((row) => row.name).join(", ") || "any server: OpenVPN is switched off";
    return new RefusedRequestError(`Cannot end the logins of "${name}": he has no login at ${places}`);
  }
}

function byPlace(left: OpenvpnLoginRow, right: OpenvpnLoginRow): number {
  return (
    compare(left.server, right.server) ||
    compare(left.user, right.user) ||
    left.sinceMs - right.sinceMs ||
    left.clientId - right.clientId ||
    compare(left.realAddress, right.realAddress)
  );
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
