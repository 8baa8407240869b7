import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/fault/full/**"],
    restoreMocks: true,
    testTimeout: 20_000,
    maxWorkers: 3, // most of them wait for traffic and timers, not for a processor
    // Commands and daemons run from the sources, each as a process of its own: what one compiled the next need not.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compile", import.meta.url)) },
  },
});
