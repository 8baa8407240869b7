import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** Traffic and cuts: a processor that is taken shows in what they measure. */
const TRAFFIC = ["test/e2e/{gate,ssh,cut,exact,restart,splice,quiet,capture}*.test.ts"];

export default defineConfig({
  test: {
    restoreMocks: true,
    testTimeout: 20_000,
    // Commands and daemons run from the sources, each as a process of its own: what one compiled the next need not.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compile", import.meta.url)) },
    projects: [
      {
        extends: true,
        test: {
          name: "traffic",
          include: TRAFFIC,
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "rest",
          include: ["test/**/*.test.ts"],
          exclude: [...TRAFFIC, "test/acceptance/**"],
          maxWorkers: 4, // many of them wait for processes and timers, not for a processor
          sequence: { groupOrder: 0 },
        },
      },
    ],
  },
});
