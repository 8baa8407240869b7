import { describe, expect, test } from "vitest";
import type { Clock } from "../../../src/clock.ts";
import { RECONNECT } from "../../../src/enforcement/openvpn/client-texts.ts";
import { LoginEnder, PAUSE_IN_THE_OPEN } from "../../../src/enforcement/openvpn/login-ender.ts";
import { type UserName, userName } from "../../../src/names.ts";
import type { VpnLogin } from "../../../src/sources/openvpn/login.ts";
import { type Management, RefusedCommandError } from "../../../src/sources/openvpn/management.ts";
import { bytes, monotonicTime, NO_BYTES, unixTime } from "../../../src/units.ts";

const ALICE = userName("alice");
const BOB = userName("bob");
const never = new AbortController().signal;

const login = (user: UserName, clientId: number | undefined, more: Partial<VpnLogin> = {}): VpnLogin => ({
  ...{ user, commonName: user, signedInAs: undefined, clientId, since: 1_795_219_975 },
  ...{ realAddress: `192.0.2.${clientId ?? 9}:1194`, addresses: ["10.8.0.2"], subnets: [] },
  traffic: { uplink: NO_BYTES, downlink: NO_BYTES },
  ...more,
});

/** A server that does what it is told, and a clock that runs only while somebody sleeps. */
class Server implements Management {
  readonly connected = true;
  readonly trouble = undefined;
  readonly heard: string[] = [];
  logins: VpnLogin[];
  now = 0;
  /** What happens at each look. */
  onLook: () => void = () => undefined;

  constructor(...logins: VpnLogin[]) {
    this.logins = logins;
  }

  async command(text: string): Promise<readonly string[]> {
    this.heard.push(`${this.now} ms: ${text}`);
    const name = /^kill "(.*)"$/.exec(text)?.[1];
    if (name !== undefined && !this.logins.some(({ commonName }) => commonName === name))
      throw new RefusedCommandError(`ERROR: common name '${name}' not found`);
    if (name !== undefined) this.logins = this.logins.filter(({ commonName }) => commonName !== name);
    return ["SUCCESS: x"];
  }

  get ender(): LoginEnder {
    const clock: Clock = {
      monotonic: () => monotonicTime(this.now),
      unix: () => unixTime(this.now),
      sleep: async (span) => {
        this.now += span;
      },
    };
    return new LoginEnder({
      ...{ management: this, clock, users: () => [ALICE, BOB] },
      loginsOf: (user) => this.logins.filter((each) => each.user === user),
      look: async () => this.onLook(),
    });
  }

  moves(clientId: number): void {
    this.logins = this.logins.map((each) =>
      each.clientId === clientId
        ? { ...each, traffic: { ...each.traffic, uplink: bytes(each.traffic.uplink + 1500) } }
        : each,
    );
  }

  async end(user: UserName): Promise<string[]> {
    const { ender } = this;
    await ender.tell(user, RECONNECT, never);
    return ender.end(user, RECONNECT, PAUSE_IN_THE_OPEN, never);
  }
}

describe("LoginEnder", () => {
  test("tells all devices, and ends them 20 ms later", async () => {
    const server = new Server(login(ALICE, 0), login(BOB, 1), login(ALICE, 2));
    expect(await server.end(ALICE)).toEqual([]);
    expect(server.heard).toEqual([
      '0 ms: client-kill 0 "RESTART"',
      '0 ms: client-kill 2 "RESTART"',
      '20 ms: kill "alice"',
    ]);
    expect(server.logins.map(({ user }) => user)).toEqual([BOB]);
  });

  test("waits until a client that was told sends nothing more", async () => {
    const server = new Server(login(ALICE, 0));
    server.onLook = () => {
      if (server.now < 50) server.moves(0);
    };
    expect(await server.end(ALICE)).toEqual([]);
    expect(server.heard.at(-1)).toBe('80 ms: kill "alice"');
  });

  test("leaves a client that goes on to the server, which would die of `kill` in the middle of a packet", async () => {
    const server = new Server(login(ALICE, 0));
    server.onLook = () => server.moves(0);
    expect(await server.end(ALICE)).toEqual(["his client goes on: the server ends it 5 s after it was told"]);
    expect(server.heard).toEqual(['0 ms: client-kill 0 "RESTART"']);
    expect(server.now).toBeGreaterThan(4_000);
    expect(server.now).toBeLessThan(5_000);
  });

  test("tells a device that comes in between as well, and the same one once", async () => {
    const server = new Server(login(ALICE, 0));
    server.onLook = () => {
      if (server.logins.length === 1 && server.now < 15) server.logins.push(login(ALICE, 1));
    };
    expect(await server.end(ALICE)).toEqual([]);
    expect(server.heard.map((each) => each.replace(/^\d+ ms: /, ""))).toEqual([
      'client-kill 0 "RESTART"',
      'client-kill 1 "RESTART"',
      'kill "alice"',
    ]);
  });

  test("tells a client again whose number another had before the server's restart", async () => {
    const server = new Server(login(ALICE, 0));
    const { ender } = server;
    expect(await ender.tell(ALICE, RECONNECT, never)).toBe(1);
    expect(await ender.tell(ALICE, RECONNECT, never)).toBe(0);
    server.logins = [login(ALICE, 0, { since: 1_795_220_000 })];
    expect(await ender.tell(ALICE, RECONNECT, never)).toBe(1);
  });

  test("ends nobody under a certificate that somebody else is here with", async () => {
    const server = new Server(
      login(ALICE, 0, { commonName: "office" }),
      login(BOB, 1, { commonName: "office" }),
    );
    expect(await server.end(ALICE)).toEqual([
      "the server moves his packets for up to 5 s: his common name is another account's as well",
    ]);
    expect(server.heard).toEqual(['0 ms: client-kill 0 "RESTART"']);
  });

  test("ends by name alone where the server gives no numbers, and minds none that is gone", async () => {
    const server = new Server(login(ALICE, undefined));
    expect(await server.end(ALICE)).toEqual([]);
    expect(server.heard).toEqual(['20 ms: kill "alice"']);
    server.logins = [login(ALICE, 4)];
    server.onLook = () => {
      server.logins = [];
    };
    expect(await server.end(ALICE)).toEqual([]);
  });
});
