import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { type ImportRules, violations } from "./support/ImportRules.ts"

const rules: ImportRules = {
  rooms: {
    main: { below: ["cli"], packages: ["@effect/platform-node", "effect/cli"] },
    cli: { below: ["App", "demo", "settings", "version"], packages: ["@effect/platform-node", "effect/cli"] },
    demo: { below: ["App", "settings"], packages: ["node:child_process"] },
    App: {
      below: [
        "gateway",
        "worker",
        "functions",
        "queue",
        "operations",
        "telemetry",
        "natsserver",
        "settings",
        "version"
      ],
      packages: []
    },
    gateway: {
      below: ["queue", "functions", "operations", "telemetry", "domain"],
      packages: ["undici"]
    },
    worker: { below: ["queue", "functions", "files", "telemetry", "domain"], packages: ["undici"] },
    files: { below: [], packages: [] },
    operations: { below: [], packages: [] },
    telemetry: { below: ["domain"], packages: ["@effect/opentelemetry", "@opentelemetry/"] },
    queue: { below: ["domain"], packages: ["@nats-io/"] },
    functions: { below: ["files", "domain"], packages: ["undici", "yaml"] },
    settings: { below: ["domain"], packages: [] },
    natsserver: { below: [], packages: ["node:child_process"] },
    domain: { below: [], packages: [] },
    version: { below: [], packages: [] }
  },
  restricted: [
    "@effect/opentelemetry",
    "@opentelemetry/",
    "@nats-io/",
    "@effect/platform-node",
    "effect/cli",
    "effect/http",
    "effect/process",
    "node:child_process",
    "undici",
    "yaml"
  ],
  pure: {
    room: "domain",
    effectNames: [
      "Array",
      "Brand",
      "Data",
      "Duration",
      "Encoding",
      "Equal",
      "Equivalence",
      "Hash",
      "HashMap",
      "Match",
      "Option",
      "Order",
      "Predicate",
      "Record",
      "Result",
      "Schedule",
      "Schema",
      "String",
      "Struct",
      "absurd",
      "flow",
      "identity",
      "pipe"
    ],
    // Replays a Schedule, whose step is an Effect without requirements, against a made-up clock.
    exceptions: { "domain/RetryPolicy.ts": ["Effect", "Pull"] },
    pureModules: {
      "domain/AddressRules.ts": { "node:net": ["BlockList", "isIP", "isIPv4"] },
      "domain/WebhookSignature.ts": { "node:crypto": ["createHmac"] }
    }
  },
  maxLines: 300
}

const directory = join(import.meta.dirname, "..", "src")
const sources = new Map(
  globSync("**/*.ts", { cwd: directory }).map((file) => [file, readFileSync(join(directory, file), "utf8")])
)

it("the sources keep the import rules", () => {
  expect(sources.size).toBeGreaterThan(0)
  expect(violations(rules, sources)).toEqual([])
})

it.each([
  ["a room it may not see", "worker/A.ts", `import { B } from "../gateway/B.ts"`],
  ["an arrow that goes up", "queue/A.ts", `import type { B } from "../worker/B.ts"`],
  ["an arrow that goes up over several lines", "domain/A.ts", `import {\n  B,\n  C\n} from "../queue/B.ts"`],
  ["a dynamic import", "gateway/A.ts", `const b = await import("../worker/B.ts")`],
  ["a re-export", "functions/A.ts", `export * from "../settings/B.ts"`],
  ["nats.js outside queue", "worker/A.ts", `import { connect } from "@nats-io/transport-node"`],
  ["an HTTP server in the queue", "queue/A.ts", `import * as Http from "effect/http"`],
  ["a child process outside natsserver", "cli/A.ts", `import { spawn } from "node:child_process"`],
  ["I/O in domain", "domain/A.ts", `import { readFileSync } from "node:fs"`],
  ["a socket in domain", "domain/AddressRules.ts", `import { connect, isIP } from "node:net"`],
  ["a clock in domain", "domain/A.ts", `import { Clock, Option } from "effect"`],
  ["the whole of effect in domain", "domain/A.ts", `import * as E from "effect"`],
  ["the time in domain", "domain/A.ts", `const now = Date.now()`],
  ["a room nobody knows", "helpers/A.ts", `import { Option } from "effect"`],
  ["a file that imports itself", "domain/A.ts", `import { A } from "./A.ts"`],
  ["a long file", "domain/A.ts", "\n".repeat(300) + "const a = 1"]
])("the rules find %s", (_, file, text) => {
  expect(violations(rules, new Map([[file, text]]))).toHaveLength(1)
})

it("the rules find a cycle of several files", () => {
  const cyclic = new Map([
    ["domain/A.ts", `import { B } from "./B.ts"`],
    ["domain/B.ts", `import { C } from "./C.ts"`],
    ["domain/C.ts", `import { B } from "./B.ts"`]
  ])
  expect(violations(rules, cyclic)).toEqual(["a cycle: domain/B.ts -> domain/C.ts -> domain/B.ts"])
})

it("the rules let through what they allow", () => {
  const fine = new Map([
    ["main.ts", `import { root } from "./cli/Root.ts"\nimport { NodeRuntime } from "@effect/platform-node"`],
    ["cli/Root.ts", `import * as App from "../App.ts"\nimport { Calls } from "../queue/Calls.ts"`],
    [
      "queue/Calls.ts",
      `import { jetstream } from "@nats-io/jetstream"\nimport { Call } from "../domain/Call.ts"`
    ],
    [
      "domain/Call.ts",
      `import { type Option, Result as R } from "effect"\n// import { X } from "../queue/X.ts"`
    ]
  ])
  expect(violations(rules, fine)).toEqual([])
})
