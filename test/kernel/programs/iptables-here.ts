/** Makes a chain with the iptables of this network namespace, asks for what cannot be, and prints what came of it. */
import { findIptables } from "../../../src/kernel/iptables.ts";

try {
  const iptables = await findIptables();
  await iptables.change("ipv4", [":BW_1 - [0:0]", "[7:900] -A BW_1 -j RETURN"]);
  const refusal = await iptables.change("ipv4", ["-X BW_2"]).then(
    () => "done",
    (error: unknown) => String(error),
  );
  const table = await iptables.read("ipv4");
  console.log(JSON.stringify({ bytes: table.get("BW_1")?.[0]?.bytes, refusal }));
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }));
}
