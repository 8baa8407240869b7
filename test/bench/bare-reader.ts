/**
 * The least a reader can do: the same QueryStats call every tick, the answer's bytes thrown away.
 * At SIGUSR2 it writes how many it made.
 */
import { Client, credentials, Metadata } from "@grpc/grpc-js";

const [, , target = "", tick = "10"] = process.argv;
const client = new Client(target, credentials.createInsecure(), {
  "grpc.max_receive_message_length": 64 << 20,
});
const pattern = Buffer.from("user>>>");
const request = Buffer.concat([
  Buffer.from([0x0a, pattern.length]),
  pattern,
  Buffer.from([0x1a, pattern.length]),
  pattern,
]);
const asIs = (bytes: Buffer) => bytes;

function call(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const path = "/v2ray.core.app.stats.command.StatsService/QueryStats";
    const deadline = { deadline: Date.now() + 5_000 };
    client.makeUnaryRequest(path, asIs, asIs, request, new Metadata(), deadline, (error, answer) =>
      error ? reject(error) : resolve(answer),
    );
  });
}

let reads = 0;
process.on("SIGUSR2", () => process.stdout.write(`${reads}\n`));
let next = performance.now();
for (;;) {
  await call();
  reads += 1;
  next = Math.max(next + Number(tick), performance.now());
  await new Promise((resolve) => setTimeout(resolve, Math.ceil(next - performance.now())));
}
