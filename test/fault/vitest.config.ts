/** The fault tests with their full counts: `npm run fault`. `npm test` runs the same files with small ones. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/fault/**/*.test.ts"],
    env: { FAULT_FULL: "1" },
    testTimeout: 1_800_000,
    fileParallelism: false,
  },
});
