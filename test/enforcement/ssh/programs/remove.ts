/**
 * Deletes a login as the daemon does, and ends itself without warning right
 * before the step that its second argument names. First argument: the order as JSON.
 */
import { appendFileSync } from "node:fs";
import { type RemovalOrder, removeLogin } from "../../../../src/enforcement/ssh/removal.ts";
import { endProcesses, processesOf } from "../../../../src/kernel/processes.ts";

const order = JSON.parse(process.argv[2] ?? "") as RemovalOrder & { readonly trace: string };
const dies = process.argv[3];
const said = (what: string) => appendFileSync(order.trace, `${what}\n`);
const report = await removeLogin(order, {
  shutGate: async () => said("gate shut"),
  endSessions: async () => {
    const left = await endProcesses(() => processesOf(order.login.uid));
    if (left.length > 0) throw new Error(`${left.length} live on`);
  },
  dropKernelObjects: async () => said("objects dropped"),
  accountState: () => '{"username":"him"}\n',
  onStep: (step) => {
    if (step === dies) process.kill(process.pid, "SIGKILL");
  },
});
process.stdout.write(`${JSON.stringify(report)}\n`);
