import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

// Every test file, and every program that one starts, loads the same modules: they are compiled once for all.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("node_modules/.compile-cache", import.meta.url))

/** Folders whose files start no server and leave nothing behind in their process, so that they share one. */
const sharing = [
  "test/{chaos,domain,functions,gateway,model,settings,telemetry,worker}/**/*.test.ts",
  "test/eval/!(live).test.ts"
]

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 3,
    // Bounds for what hangs; on a machine with much else to do everything takes several times as long.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    projects: [
      {
        extends: true,
        test: { name: "together", include: sharing, isolate: false }
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: ["test/**/*.test.ts"],
          exclude: sharing,
          globalSetup: ["test/support/globalSetup.ts"]
        }
      }
    ],
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
