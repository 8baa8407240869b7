import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/fault/full/**"],
    restoreMocks: true,
    testTimeout: 20_000,
    maxWorkers: 2,
  },
});
