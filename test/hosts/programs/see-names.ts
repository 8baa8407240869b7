/**
 * Takes in new names as fast as it can, in the store of the folder named, with a
 * flush every 250 ms, until it is killed. Prints "N at" now and then: the names
 * up to the Nth were seen by that moment (Unix time in milliseconds).
 */
import { sight, storeIn } from "../opened-store.ts";

const FLUSH_MS = 250;
const AT_ONCE = 1_000;

const [folder = ""] = process.argv.slice(2);
const { store } = await storeIn(folder, { maxHosts: 10_000_000 });
let count = 0;
let flushAt = Date.now() + FLUSH_MS;
for (;;) {
  for (let each = 0; each < AT_ONCE; each += 1) {
    count += 1;
    store.see(sight(`name-${count}.example`));
  }
  process.stdout.write(`${count} ${Date.now()}\n`);
  if (Date.now() >= flushAt) {
    store.flush();
    flushAt = Date.now() + FLUSH_MS;
  }
  await new Promise((resolve) => setImmediate(resolve));
}
