/** Which servers a host has, as its files tell. */
import { expect, test } from "vitest";
import { findServers } from "../../../src/sources/openvpn/server-process.ts";
import { processTree, scratchHost } from "../../support/scratch-host.ts";

test("findServers() finds configs where units look for them, and what runs, once each", () => {
  const { host } = scratchHost({
    "/etc/openvpn/one.conf": "",
    "/etc/openvpn/server/two.conf": "",
    "/etc/openvpn/server/two.conf.bak": "",
    "/etc/openvpn/client/three.conf": "",
    ...processTree(
      9,
      [
        "/usr/sbin/openvpn",
        "--status",
        "/run/s",
        "--cd",
        "/etc/openvpn",
        "--config",
        "/etc/openvpn/one.conf",
      ],
      { unit: "openvpn@one.service" },
    ),
    ...processTree(10, ["openvpn", "/srv/four.conf"]),
    ...processTree(11, ["openvpn", "--config", "five.conf"]),
    "/proc/11/cwd": { link: "/srv" },
    ...processTree(12, ["openvpn-exporter", "--config", "/srv/six.conf"]),
    ...processTree(13, ["openvpn"]),
  });
  const shown = findServers(host).map(({ name, config, pid, unit, statusGiven }) => [
    ...[name, config, pid, unit, statusGiven],
  ]);
  expect(shown.toSorted((left, right) => String(left[0]).localeCompare(String(right[0])))).toEqual([
    ["five", "/srv/five.conf", 11, undefined, false],
    ["four", "/srv/four.conf", 10, undefined, false],
    ["one", "/etc/openvpn/one.conf", 9, "openvpn@one.service", true],
    ["two", "/etc/openvpn/server/two.conf", undefined, "openvpn-server@two.service", true],
  ]);
});

test("findServers() leaves the servers of containers alone, whose files are others", () => {
  const { host } = scratchHost({
    ...processTree(9, ["openvpn", "/srv/inside.conf"]),
    "/proc/9/ns/pid": { link: "pid:[2]" },
    "/proc/self/ns/pid": { link: "pid:[1]" },
  });
  expect(findServers(host)).toEqual([]);
});
