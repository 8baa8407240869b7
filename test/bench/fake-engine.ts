/** An engine process of its own for the benches: N users, of whom all, none or the first few move every 10 ms. */
import { systemClock } from "../../src/clock.ts";
import { startDemoEngine } from "../../src/demo/engine.ts";
import { bytes } from "../../src/units.ts";

const [, , address = "127.0.0.1:0", count = "100", moving = "all"] = process.argv;
const users = Array.from({ length: Number(count) }, (_, index) => `user${index}@example.com`);
const engine = await startDemoEngine({
  address,
  clock: systemClock,
  users: users.map((email) => ({ email, inbound: "bench-in" })),
});
const step = { uplink: bytes(100), downlink: bytes(1_000) };
for (const user of users) engine.add(user, step);
const moved = moving === "all" ? users : moving === "none" ? [] : users.slice(0, Number(moving));
if (moved.length > 0) {
  setInterval(() => {
    for (const user of moved) engine.add(user, step);
  }, 10);
}
process.stdout.write(`${engine.target}\n`);
process.once("SIGTERM", () => process.exit());
