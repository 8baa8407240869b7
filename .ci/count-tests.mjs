// Reads vitest's JSON reports and closes a CI run with "N passed, N failed, N skipped".
//
// As root on CI everything that Debian has can be installed, so a skip is a
// failure unless `.ci/allowed-skips` gives a reason for it.
import { existsSync, readFileSync } from "node:fs";

const [allowedSkips, ...reports] = process.argv.slice(2);
const missing = reports.filter((path) => !existsSync(path) || readFileSync(path, "utf8") === "");
for (const path of missing) console.error(`vitest ended before it wrote its report: ${path}`);
const testResults = reports
  .filter((path) => !missing.includes(path))
  .flatMap((path) => JSON.parse(readFileSync(path, "utf8")).testResults);
const tests = testResults.flatMap((file) => file.assertionResults);
const named = (...states) => tests.filter(({ status }) => states.includes(status));

// A file that does not load has no tests to fail.
const unloaded = testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
const passed = named("passed");
const failed = named("failed");
const skipped = tests.length - passed.length - failed.length;

const allowed = readFileSync(allowedSkips, "utf8")
  .split("\n")
  .filter((line) => line.trim() !== "" && !line.startsWith("#"))
  .map((line) => line.split(" # ")[0].trim());
const avoidable = tests.filter(
  ({ status, fullName }) =>
    !["passed", "failed"].includes(status) && !allowed.some((name) => fullName.includes(name)),
);

for (const { name, message } of unloaded) console.error(`did not load: ${name}: ${message}`);
const refuseSkips = process.getuid() === 0;
if (refuseSkips) for (const { fullName } of avoidable) console.error(`skipped without a reason: ${fullName}`);

const failures = failed.length + unloaded.length + missing.length;
console.log(`${passed.length} passed, ${failures} failed, ${skipped} skipped`);
const ok = failures === 0 && passed.length > 0 && !(refuseSkips && avoidable.length > 0);
process.exitCode = ok ? 0 : 1;
