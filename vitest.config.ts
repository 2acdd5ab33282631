import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/globalSetup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What decides and what stores. Programs that a test starts are not counted, only the tests' own processes.
    coverage: {
      provider: "v8",
      reportOnFailure: true,
      include: ["src/domain/**/*.ts", "src/queue/**/*.ts"],
      reporter: ["text", "json"],
      thresholds: {
        "src/domain/**/*.ts": { lines: 95, branches: 90 },
        "src/queue/**/*.ts": { lines: 95, branches: 90 }
      }
    }
  }
})
