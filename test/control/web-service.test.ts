/** The web's service before a real desk, in this process: what it takes from whom, and who is named. */
import { once } from "node:events";
import { mkdtempDisposable, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { settingsIn } from "../../src/config.ts";
import { ControlClient } from "../../src/control/client.ts";
import type { AuditRow, LimitRequest, WebDesk } from "../../src/control/rows.ts";
import { WebClient } from "../../src/control/web-client.ts";
import { serveWeb } from "../../src/control/web-service.ts";
import { openOffice } from "../../src/enforce.ts";
import { RefusedRequestError, UnknownUserError, UnreachableError } from "../../src/errors.ts";
import type { EventRecord } from "../../src/storage/events.ts";
import { until } from "../support/until.ts";
import { userRow } from "../support/user-row.ts";

const NEW: LimitRequest = {
  ...{ name: "joe", totalBytes: 1_000, dailyBytes: undefined, period: "" },
  ...{ yes: false, create: true },
};

/** A daemon in this process, without engines. */
async function startOffice(directory: string, web: object | null) {
  const settings = settingsIn(
    join(directory, "sluice.json"),
    JSON.stringify({
      ...{ state_directory: join(directory, "state"), runtime_directory: join(directory, "run") },
      ...{ log_directory: join(directory, "log"), data_directory: join(directory, "data") },
      ...{ xray: null, ssh: null, openvpn: null, hosts: null, history: null, connections: null, web },
    }),
    {},
  );
  const office = await openOffice({
    ...{ settings, mode: "enforce", wait: undefined },
    log: { write: () => undefined },
  });
  const events: EventRecord[] = [];
  office.events.listen((event) => void events.push(event));
  const stop = new AbortController();
  const running = office.run(stop.signal);
  const admin = new ControlClient(join(directory, "run", "control.sock"));
  await until("it runs", () => events.some(({ kind }) => kind === "started"));
  return {
    ...{ admin, events },
    web: new WebClient(join(directory, "run", "web.sock")),
    [Symbol.asyncDispose]: async () => {
      admin[Symbol.dispose]();
      stop.abort();
      await running;
      await office[Symbol.asyncDispose]();
    },
  };
}

async function folderFor(): Promise<string> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-web-"));
  onTestFinished(() => folder.remove());
  return folder.path;
}

describe("without web.may_delete", () => {
  let directory: string;
  let office: Awaited<ReturnType<typeof startOffice>>;
  beforeAll(async () => {
    directory = (await mkdtempDisposable(join(tmpdir(), "sluice-web-"))).path;
    office = await startOffice(directory, {});
  });
  afterAll(async () => {
    office.web[Symbol.dispose]();
    await office[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  test("delete() is refused, and says what would let it", async () => {
    await office.admin.setLimit({ ...NEW, name: "kept" });
    const refused = office.web.delete("kept", true, "ann");
    await expect(refused).rejects.toThrow(RefusedRequestError);
    await expect(refused).rejects.toThrow('expected "web": { "may_delete": true }');
    expect((await office.admin.listUsers("kept")).map(({ name }) => name)).toEqual(["kept"]);
  });

  test("a limit by the web ends no login for good; one by the administrator does, and stays so", async () => {
    const { admin, web } = office;
    const name = "ann";
    const limit = { ...NEW, name, services: ["ssh"] };
    expect((await web.setLimit(limit, "eve")).enrolled).toEqual([]);
    expect((await admin.setLimit(limit)).enrolled).toEqual(["ssh"]);
    const daily = { ...NEW, name, totalBytes: undefined, dailyBytes: 5 };
    expect((await web.setLimit(daily, "eve")).enrolled).toEqual(["ssh"]);
    expect((await web.setLimit({ ...daily, period: "monthly" }, "eve")).enrolled).toEqual([]);
    expect((await admin.setLimit(limit)).enrolled).toEqual(["ssh"]);
    expect((await web.setLimit({ ...limit, totalBytes: 1 }, "eve")).enrolled).toEqual([]);
  });

  test("orders are put down to who gave them, those of the administrator to him", async () => {
    const { admin, web, events } = office;
    await web.setLimit({ ...NEW, name: "zoe" }, "Zoë د");
    await web.reset({ name: "zoe", all: false }, "x".repeat(64));
    await web.setDisabled("zoe", true, "bob");
    await admin.setDisabled("zoe", false, "bob");
    const his = events.filter(({ user }) => user === "zoe").map(({ kind, by }) => [kind, by]);
    expect(his).toEqual([
      ["limit-changed", "Zoë د (web)"],
      ["reset", `${"x".repeat(64)} (web)`],
      ["disabled", "bob (web)"],
      ["enabled", "the administrator"],
    ]);
  });

  test.for(["", "x".repeat(65), "a\nb", "\u001b[31m", "\u202eann", "\u0000"])(
    "an order by %j is refused, whatever it is",
    async (actor) => {
      const { web, events } = office;
      const before = events.length;
      const orders = [
        () => web.setLimit({ ...NEW, name: "mallory" }, actor),
        () => web.reset({ name: "", all: true }, actor),
        () => web.setDisabled("kept", true, actor),
        () => web.delete("kept", true, actor),
        () => web.openvpnKick("kept", actor),
        () => web.changeSettings([], actor),
      ];
      for (const order of orders) await expect(order()).rejects.toThrow("1 to 64 printable characters");
      expect(events.length).toBe(before);
    },
  );

  test("answers come as they were: an unknown user, a refusal", async () => {
    await expect(office.web.listUsers("nobody")).rejects.toThrow(UnknownUserError);
    await expect(office.web.setLimit({ ...NEW, name: "" }, "ann")).rejects.toThrow(RefusedRequestError);
    const unknown = { kind: "cut", actor: "", address: "", text: "", count: 1 } as unknown as AuditRow;
    await expect(office.web.audit([unknown])).rejects.toThrow(RefusedRequestError);
  });

  test("watch() of a period out of range is refused", async () => {
    const watch = office.web.watch({ periodMs: 1, inView: [] }, AbortSignal.timeout(5_000));
    await expect(Array.fromAsync(watch)).rejects.toThrow(RefusedRequestError);
    const changed = office.web.watch({ periodMs: 1_000, inView: [] }, AbortSignal.timeout(5_000));
    const lists = Array.fromAsync(changed, () => changed.change({ periodMs: 1, inView: [] }));
    await expect(lists).rejects.toThrow(RefusedRequestError);
  });

  test("watch() tells of all accounts", async () => {
    for await (const { users } of office.web.watch(
      { periodMs: 1_000, inView: [] },
      AbortSignal.timeout(5_000),
    )) {
      expect(users.map(({ name }) => name)).toContain("kept");
      return;
    }
    expect.unreachable("no list came");
  });

  test("no more than eight connections are taken at a time", async () => {
    await office.web.status();
    const sockets = Array.from({ length: 8 }, () => connect(join(directory, "run", "web.sock")));
    await Promise.any(sockets.map((socket) => once(socket, "close")));
    expect(sockets.filter(({ closed }) => closed)).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
    expect((await office.web.status()).mode).toBe("enforce");
  });
});

test("with web.may_delete delete() deletes, and a limit by the web is one as any", async () => {
  await using office = await startOffice(await folderFor(), { may_delete: true });
  const made = await office.web.setLimit({ ...NEW, services: ["ssh"] }, "ann");
  expect(made.enrolled).toEqual(["ssh"]);
  await office.web.delete("joe", true, "ann");
  expect(await office.admin.listUsers("")).toEqual([]);
  expect(office.events.at(-1)).toMatchObject({ kind: "deleted", user: "joe", by: "ann (web)" });
  office.web[Symbol.dispose]();
});

test("a daemon that is gone is unreachable, and one that came back is found again", async () => {
  const directory = await folderFor();
  const first = await startOffice(directory, {});
  const { web } = first;
  expect((await web.status()).mode).toBe("enforce");
  await first[Symbol.asyncDispose]();
  await expect(web.status()).rejects.toThrow(UnreachableError);
  await using second = await startOffice(directory, {});
  await expect
    .poll(
      () =>
        web.status().then(
          ({ pid }) => pid,
          () => 0,
        ),
      { timeout: 5_000 },
    )
    .toBe(process.pid);
  web[Symbol.dispose]();
  second.web[Symbol.dispose]();
});

test("a list of several megabytes is taken whole", async () => {
  const rows = Array.from({ length: 1_000 }, (_, index) =>
    userRow({ name: `customer-${index}`, gate: "x".repeat(6_000) }),
  );
  const path = join(await folderFor(), "web.sock");
  await using _served = await serveWeb({ listUsers: async () => rows } as unknown as WebDesk, {
    ...{ path, group: undefined, mayEnter: () => true, log: { write: () => undefined } },
  });
  using web = new WebClient(path);
  expect((await web.listUsers("")).at(-1)?.name).toBe("customer-999");
});

test("no socket is made where the web is switched off", async () => {
  await using office = await startOffice(await folderFor(), null);
  await expect(office.web.status()).rejects.toThrow(UnreachableError);
  office.web[Symbol.dispose]();
});
