import { describe, expect, test } from "vitest";
import { KernelUnavailableError } from "../../src/errors.ts";
import { destroyInRounds, type Found } from "../../src/kernel/destroy-rounds.ts";

const tcp = (cookie: bigint): Found => ({ protocol: "tcp", cookie });
const udp = (cookie: bigint): Found => ({ protocol: "udp", cookie });

describe("destroyInRounds()", () => {
  test("looks again until none is left, and counts each socket once", () => {
    const looks = [[tcp(1n), udp(2n)], [udp(2n), tcp(3n)], []];
    let orders = 0;
    const ended = destroyInRounds(
      "them",
      () => looks.shift() ?? [],
      (sockets) => {
        orders += 1;
        return sockets;
      },
    );
    expect(ended).toEqual({ tcp: 2, udp: 1 });
    expect(orders).toBe(2);
  });

  test("is content with an ended UDP socket that stays in the table", () => {
    expect(
      destroyInRounds(
        "them",
        () => [udp(2n)],
        (sockets) => sockets,
      ),
    ).toEqual({ tcp: 0, udp: 1 });
  });

  test.for([
    { name: "a TCP socket that is still there though its end was reported", stays: tcp(1n), told: [tcp(1n)] },
    { name: "a TCP socket that was not ended", stays: tcp(1n), told: [] },
    { name: "a UDP socket that was not ended", stays: udp(1n), told: [] },
  ])("does not believe in the end of $name", ({ stays, told }) => {
    const destroy = () =>
      destroyInRounds(
        "the sockets",
        () => [stays],
        () => told,
      );
    expect(destroy).toThrow(KernelUnavailableError);
    expect(destroy).toThrow(/^Cannot end the sockets: 1 of them live on/);
  });

  test("gives up, without complaint, where new sockets come as fast as old ones end", () => {
    let next = 0n;
    const ended = destroyInRounds(
      "them",
      () => [tcp(next++)],
      (sockets) => sockets,
    );
    expect(ended).toEqual({ tcp: 5, udp: 0 });
  });
});
