import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Action, Outcome } from "../../../src/enforcement/enforcer.ts";
import { UnreachableError } from "../../../src/errors.ts";
import { type UserName, userName } from "../../../src/names.ts";
import { type InnerFlow, openFlow } from "../../support/openvpn/inner-flow.ts";
import { needs } from "../../support/requirements.ts";
import { until } from "../../support/until.ts";
import { type EnforcerStage, setEnforcerStage } from "./enforcer-stage.ts";

const missing = needs("root", "nft", "ip", "openvpn", "socat");
const NAMES = ["alice", "bob", "carol", "dave", "bob:", "erin"] as const;
const [ALICE, BOB, CAROL, DAVE, COLON, ERIN] = NAMES.map((name) => userName(name)) as Six;
type Six = [UserName, UserName, UserName, UserName, UserName, UserName];
/** What had come through before the cut and was still on its way to us: buffers of sockets and pipes. */
const IN_PIPES = 8 << 20;
const TOLD = /AUTH_FAILED,TEMP\[backoff 1\]:quota used up until 2026-12-01/g;
const never = new AbortController().signal;
const cut = (user: UserName): Action => ({ kind: "cut", user, held: [] });
/** What came of it in the end. */
const carriedOut = async (outcome: Promise<Outcome>) => (await outcome).rest ?? outcome;
const restore = (user: UserName): Action => ({ kind: "restore", user, held: [] });

describe.skipIf(missing)(`OpenvpnEnforcer at a real server${missing}`, () => {
  let stage: EnforcerStage;
  let port = 5400;
  const flows: InnerFlow[] = [];

  beforeAll(async () => {
    stage = await setEnforcerStage(NAMES, {
      clients: [...NAMES, "second"],
      server: ["duplicate-cn"],
      start: false,
    });
    const { bed } = stage;
    for (const kind of ["crt", "key"]) // alice's second device
      await copyFile(join(bed.directory, `pki/alice.${kind}`), join(bed.directory, `pki/second.${kind}`));
    await bed.run("up");
    await stage.look();
  }, 60_000);
  afterAll(() => stage[Symbol.asyncDispose](), 30_000);
  afterEach(async () => {
    for (const flow of flows.splice(0)) await flow[Symbol.asyncDispose]();
  });

  const flow = (user: string, way: "up" | "down") => {
    port += 1;
    const opened = openFlow(stage.bed, { user, way, to: stage.bed.tunnelAddress, port });
    flows.push(opened);
    return opened;
  };
  const running = async (user: string, way: "up" | "down") => {
    const opened = flow(user, way);
    await until(`${user}'s transfer runs`, () => opened.received() > 1 << 20);
    return opened;
  };
  const timesTold = async (user: string) => (await stage.bed.log(user)).match(TOLD)?.length ?? 0;
  /** What becomes of a connection to the server's own address in the tunnel. */
  const knock = (user: string) =>
    stage.bed.inside(
      user,
      "sh",
      "-c",
      `socat -u /dev/null TCP4:${stage.bed.tunnelAddress}:9,connect-timeout=0.3 2>&1 || true`,
    );

  test("cuts all devices of a user and nobody else, tells them why, and opens gate and door again", async () => {
    const enforcer = stage.enforcer();
    expect((await enforcer.observe()).get(ALICE)).toBe("allowed");
    await running("alice", "down");
    const bobs = await running("bob", "down");
    expect(await carriedOut(enforcer.apply(cut(ALICE), never))).toEqual({
      ...{ complete: true, ended: 2, shortfalls: [] },
      held: enforcer.foresee(ALICE),
    });
    expect(stage.loginsOf(ALICE)).toEqual([]);
    const observed = await enforcer.observe();
    expect([observed.get(ALICE), observed.get(BOB)]).toEqual(["denied", "allowed"]);
    for (const device of ["alice", "second"])
      await until(`${device} is told why`, async () => (await timesTold(device)) === 1);
    expect(enforcer.endLate(ALICE)).toEqual({ ended: 0, shortfalls: [], suspicions: [] });
    const before = bobs.received();
    await until("bob's transfer goes on", () => bobs.received() > before + (1 << 20));
    await enforcer.apply(restore(ALICE), never);
    expect(stage.denied.has(ALICE) || stage.gates.isShut(ALICE)).toBe(false);
    expect((await enforcer.observe()).get(ALICE)).toBe("allowed");
  });

  test('lets him in behind a shut gate with return "wait", and tells each new login to wait', async () => {
    const enforcer = stage.enforcer({ back: "wait" });
    stage.denied.waiting("server", true);
    expect(await knock("carol")).toContain("refused"); // nobody listens there, and the server says so
    await carriedOut(enforcer.apply(cut(CAROL), never));
    await until("she came again", async () => (await stage.look(), stage.loginsOf(CAROL).length > 0));
    expect((await enforcer.observe()).get(CAROL)).toBe("denied");
    await until("her gate is shut", async () => (await knock("carol")).includes("timed out"));
    await enforcer.onLogin({ user: CAROL });
    await until("she is told again", async () => (await timesTold("carol")) === 2);
    expect(await stage.bed.log("carol")).not.toMatch(/AUTH_FAILED$/m);
    stage.denied.waiting("server", false);
    stage.denied.waiting("server", false);
  });

  test("cuts without gates in an instant", async () => {
    const enforcer = stage.enforcer({ gates: () => undefined });
    const daves = await running("dave", "up");
    expect(await carriedOut(enforcer.apply(cut(DAVE), never))).toMatchObject({ ended: 1, shortfalls: [] });
    expect(stage.loginsOf(DAVE)).toEqual([]);
    const stoppedAt = daves.received();
    await until("he is told why", async () => (await timesTold("dave")) === 1);
    expect(daves.received()).toBeLessThan(stoppedAt + IN_PIPES);
  });

  test('says that a name with a colon, which "kill" takes for an address or for another name, moves on for 5 s', async () => {
    const enforcer = stage.enforcer({ gates: () => undefined });
    const bobs = await running("bob", "up");
    expect(await carriedOut(enforcer.apply(cut(COLON), never))).toMatchObject({
      ...{ complete: true, ended: 1 },
      shortfalls: [
        'the server moves his packets for up to 5 s: his common name is none that the command "kill" can take',
      ],
    });
    expect((await enforcer.observe()).get(COLON)).toBe("allowed");
    const before = bobs.received();
    await until("bob's transfer goes on", () => bobs.received() > before + (1 << 20));
    // The command as it would have been: it ends bob.
    await bobs[Symbol.asyncDispose]();
    await stage.link.command('kill "bob:"');
    await stage.look();
    expect(stage.loginsOf(BOB)).toEqual([]);
  });

  test("shuts gate and door while the server does not answer, and ends his logins when it does", async () => {
    const away = {
      ...{ connected: false, trouble: "Cannot use it: gone" },
      command: (text: string) => stage.link.command(text),
    };
    const enforcer = stage.enforcer({ management: away });
    await expect(enforcer.apply(cut(ERIN), never)).rejects.toThrow(new UnreachableError(away.trouble));
    await expect(enforcer.observe()).rejects.toThrow(UnreachableError);
    expect([stage.denied.has(ERIN), stage.gates.isShut(ERIN)]).toEqual([true, true]);
    away.connected = true;
    expect((await enforcer.observe()).get(ERIN)).toBe("allowed");
    expect(await carriedOut(enforcer.apply(cut(ERIN), never))).toMatchObject({ ended: 1, shortfalls: [] });
    expect((await enforcer.observe()).get(ERIN)).toBe("denied");
  });
});
