/** The units of Sluice: whether they come up at the next boot. */
import type { Case } from "../case.ts";
import { type Finding, ok, problem, unseen, warning } from "../finding.ts";
import { isOurs } from "../old-scripts.ts";
import { unitFiles } from "../unit-files.ts";

const WANTED = [
  { unit: "bw-limit-check.service", lack: "nobody is counted after the next boot" },
  { unit: "sluice-gates.service", lack: "after the next boot users come in before their gates stand" },
] as const;

export function lookAtUnits({ host, settings }: Case): Finding[] {
  const check = "units";
  if (host.stat("/run/systemd/system") === undefined) {
    return [unseen(check, "systemd does not run here", "start Sluice at boot in your own way")];
  }
  const files = unitFiles(host);
  const capture = { unit: "host-capture.service", lack: "no hosts are captured after the next boot" };
  return [...WANTED, ...(settings.hosts ? [capture] : [])].map(({ unit, lack }) => {
    const file = files.find((each) => each.unit === unit);
    const grave = unit === "bw-limit-check.service";
    if (!file || !isOurs(file)) {
      return (grave ? problem : warning)(
        check,
        `${unit} of Sluice's is not installed: ${lack}`,
        "scripts/install.sh installs it",
      );
    }
    if (file.enabled) return ok(check, `${unit} is enabled`);
    const fix = { kind: "unit", unit, to: "enabled", was: { enabled: false, active: false } } as const;
    return (grave ? problem : warning)(
      check,
      `${unit} is not enabled: ${lack}`,
      `systemctl enable ${unit}`,
      fix,
    );
  });
}
