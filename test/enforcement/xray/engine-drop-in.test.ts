import { execFile } from "node:child_process";
import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type DropIn,
  dropInPath,
  dropInText,
  installDropIn,
  removeDropIn,
} from "../../../src/enforcement/xray/engine-drop-in.ts";
import { RefusedRequestError } from "../../../src/errors.ts";
import { needs } from "../../support/requirements.ts";

const USUAL: DropIn = {
  command: ["/usr/bin/node", "/opt/sluice/dist/cli.js"],
  engine: "xray",
  settings: undefined,
  lastLook: true,
  noSplice: true,
};
const SAMPLE = join(import.meta.dirname, "../../../systemd/xray.service.d-sluice.conf");

describe("dropInText()", () => {
  test("is the sample in systemd/", async () => {
    expect(dropInText(USUAL)).toBe(await readFile(SAMPLE, "utf8"));
  });

  test.for([
    { lastLook: true, noSplice: false, has: ["ExecStop="], lacks: ["Environment="] },
    { lastLook: false, noSplice: true, has: ["Environment="], lacks: ["ExecStop="] },
  ])("with last look $lastLook and no splice $noSplice has $has alone", ({ has, lacks, ...what }) => {
    const text = dropInText({ ...USUAL, ...what });
    for (const setting of has) expect(text).toContain(`\n${setting}`);
    for (const setting of lacks) expect(text).not.toContain(setting);
  });

  test.for([
    { word: "/opt/my node/bin", written: '"/opt/my node/bin"' },
    { word: "/opt/100%", written: "/opt/100%%" },
    { word: "/opt/$HOME", written: "/opt/$$HOME" },
    { word: '/opt/"a"\\b', written: '"/opt/\\"a\\"\\\\b"' },
  ])("writes $word so that systemd reads it as one word", ({ word, written }) => {
    expect(dropInText({ ...USUAL, settings: word })).toContain(` --engine xray --config ${written}\n`);
  });

  test("refuses a line break: it would begin a setting of its own", () => {
    expect(() => dropInText({ ...USUAL, settings: "/a\nExecStart=/b" })).toThrow(RangeError);
  });

  const missing = needs("systemd-analyze");
  test.skipIf(missing)(`is a drop-in that systemd takes${missing}`, async () => {
    const { place, reloads } = await aPlace("sluice-test.service");
    const unit = join(place.directory, place.unit);
    await writeFile(unit, "[Service]\nExecStart=/bin/sleep 60\nUser=daemon\n");
    const good = { ...USUAL, command: ["/bin/true"], settings: "/opt/100% of $it \\" };
    await installDropIn(place, dropInText(good));
    expect(reloads()).toBe(1);
    expect(await verify(unit)).toBe("");
    await installDropIn(place, dropInText(good).replace("ExecStop=-+", "ExecStop=-+!?"));
    expect(await verify(unit)).not.toBe("");
  });
});

describe("installDropIn()", () => {
  test("writes it for everybody to read, once, and has systemd read it", async () => {
    const { place, reloads } = await aPlace("xray@tcp");
    const path = dropInPath(place);
    expect(path).toBe(join(place.directory, "xray@tcp.service.d/sluice.conf"));
    expect(await installDropIn(place, dropInText(USUAL))).toBe(true);
    expect(await installDropIn(place, dropInText(USUAL))).toBe(false);
    expect(reloads()).toBe(1);
    expect(await installDropIn(place, dropInText({ ...USUAL, noSplice: false }))).toBe(true);
    expect(reloads()).toBe(2);
    expect(await readFile(path, "utf8")).toBe(dropInText({ ...USUAL, noSplice: false }));
    expect((await stat(path)).mode & 0o777).toBe(0o644);
    expect(await readdir(dirname(path))).toEqual(["sluice.conf"]);
  });

  test("takes over from one that was interrupted", async () => {
    const { place } = await aPlace("xray.service");
    await mkdir(dirname(dropInPath(place)));
    await writeFile(join(dirname(dropInPath(place)), ".sluice.conf.new"), "# Written by Slu");
    await installDropIn(place, dropInText(USUAL));
    expect(await readdir(dirname(dropInPath(place)))).toEqual(["sluice.conf"]);
  });

  test.for([
    { what: "installDropIn", act: (place: Place) => installDropIn(place, dropInText(USUAL)) },
    { what: "removeDropIn", act: (place: Place) => removeDropIn(place) },
  ])("$what() leaves a file alone that somebody else wrote", async ({ act }) => {
    const { place, reloads } = await aPlace("xray.service");
    await mkdir(dirname(dropInPath(place)));
    await writeFile(dropInPath(place), "[Service]\nNice=5\n");
    await expect(act(place)).rejects.toThrow(RefusedRequestError);
    expect(await readFile(dropInPath(place), "utf8")).toBe("[Service]\nNice=5\n");
    expect(reloads()).toBe(0);
  });
});

describe("removeDropIn()", () => {
  test("takes the file away, and the folder if nothing else is in it", async () => {
    const { place, reloads } = await aPlace("xray.service");
    expect(await removeDropIn(place)).toBe(false);
    await installDropIn(place, dropInText(USUAL));
    expect(await removeDropIn(place)).toBe(true);
    expect(await readdir(place.directory)).toEqual([]);
    expect(reloads()).toBe(2);
  });

  test("leaves other drop-ins of the unit", async () => {
    const { place } = await aPlace("xray.service");
    await installDropIn(place, dropInText(USUAL));
    const folder = dirname(dropInPath(place));
    await writeFile(join(folder, "limits.conf"), "[Service]\nLimitNOFILE=100000\n");
    expect(await removeDropIn(place)).toBe(true);
    expect(await readdir(folder)).toEqual(["limits.conf"]);
  });
});

type Place = Parameters<typeof removeDropIn>[0];

async function aPlace(unit: string): Promise<{ place: Place; reloads: () => number }> {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-units-"));
  onTestFinished(() => folder.remove());
  let reloads = 0;
  const reload = async () => {
    reloads += 1;
  };
  return { place: { unit, directory: folder.path, reload }, reloads: () => reloads };
}

/** @returns what systemd has to say about the unit; nothing when it is content. */
async function verify(unit: string): Promise<string> {
  const options = { timeout: 30_000, env: { ...process.env, SYSTEMD_UNIT_PATH: `${dirname(unit)}:` } };
  const told = promisify(execFile)("systemd-analyze", ["verify", unit], options);
  const { stderr } = await told.catch((error: { stderr: string }) => error);
  return stderr
    .split("\n")
    .filter((line) => line.includes("sluice"))
    .join("\n");
}
