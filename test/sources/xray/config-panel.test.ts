import { expect, test } from "vitest";
import { panelOf } from "../../../src/sources/xray/config-panel.ts";

const PLAIN = { path: "/etc/xray/config.json", argv: ["/usr/local/bin/xray", "run"], parent: "systemd" };
const HANDED = "a panel (the engine is handed its config instead of reading a file)";

test.for([
  { name: "an install of one's own", signs: {}, want: undefined },
  { name: "an engine that does not run", signs: { argv: [], parent: undefined }, want: undefined },
  { name: "3x-ui by its file", signs: { path: "/usr/local/x-ui/bin/config.json" }, want: "3x-ui" },
  { name: "3x-ui by its program", signs: { argv: ["/usr/local/x-ui/bin/xray-linux-amd64"] }, want: "3x-ui" },
  { name: "3x-ui by what started it", signs: { parent: "x-ui" }, want: "3x-ui" },
  { name: "Marzban by its file", signs: { path: "/var/lib/marzban/xray_config.json" }, want: "Marzban" },
  { name: "Hiddify", signs: { path: "/opt/hiddify-manager/xray/configs/01_api.json" }, want: "Hiddify" },
  {
    name: "standard input",
    signs: { path: undefined, argv: ["/usr/local/bin/xray", "run", "-config", "stdin:"] },
    want: HANDED,
  },
  { name: "standard input in one word", signs: { argv: ["xray", "run", "-c=stdin:"] }, want: HANDED },
  { name: "a socket", signs: { argv: ["xray", "-config", "http+unix:///run/x.sock/config"] }, want: HANDED },
  { name: "a file that is only called so", signs: { argv: ["xray", "-c", "/etc/stdin:"] }, want: undefined },
])("panelOf() tells $name", ({ signs, want }) => {
  expect(panelOf({ ...PLAIN, ...signs })).toBe(want);
});
