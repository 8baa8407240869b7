/**
 * The demo engine as a process that can be killed. It says when it has begun;
 * told to "move" it moves bytes for its users until it is told to "pause".
 *
 *   node fault-demo-engine.ts ADDRESS USER...
 */
import { systemClock } from "../../src/clock.ts";
import { startDemoEngine } from "../../src/demo/engine.ts";
import { bytes } from "../../src/units.ts";

const [address = "", ...users] = process.argv.slice(2);
const engine = await startDemoEngine({
  address,
  clock: systemClock,
  users: users.map((email) => ({ email, inbound: "in" })),
});
const upTo = (most: number) => bytes(Math.floor(Math.random() * most));
let moving: NodeJS.Timeout | undefined;
process.on("message", (order) => {
  clearInterval(moving);
  if (order === "pause") process.send?.("paused");
  else moving = setInterval(moveSome, 5);
});
process.send?.("started");

function moveSome(): void {
  for (const user of users) engine.add(user, { uplink: upTo(5_000), downlink: upTo(20_000) });
}
