import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { fallbackFor, flagName } from "../../src/settings/Setting.ts"
import { settingsOf } from "../../src/settings/SettingsTable.ts"
import { sluice } from "./spawn.ts"

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}
const gateway = { gateway_url: "http://gateway:8080" }

describe("help", () => {
  it.each(["start", "gateway", "worker"] as const)(
    "of %s has every setting with its flag, variable and default",
    async (program) => {
      const { code, stderr, stdout } = await sluice([program, "--help"])
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      const lines = stdout.split("\n")
      for (const [, setting] of settingsOf(program)) {
        const line = lines.find((text) => text.trim().startsWith(`--${flagName(setting)}`))
        expect(line).toContain(setting.doc)
        const fallback = fallbackFor(setting, program)
        expect(line).toContain(
          `[${setting.name}, ${fallback === undefined ? "not set" : `default ${fallback}`}]`
        )
      }
      expect(stdout).toContain("EXAMPLES")
    }
  )

  it("of start has --store, and of demo its own flags", async () => {
    expect((await sluice(["start", "--help"])).stdout).toContain("--store")
    const { stdout } = await sluice(["demo", "--help"])
    for (const flag of ["--calls", "--picture", "--seed"]) expect(stdout).toContain(flag)
  })

  it("is what sluice alone prints, with every command", async () => {
    const { code, stdout } = await sluice([])
    expect(code).toBe(0)
    for (const command of ["start", "gateway", "worker", "queue", "dead-letter", "demo", "config"]) {
      expect(stdout).toMatch(new RegExp(`^ +${command} `, "m"))
    }
  })

  it("has no colours when it is not read on a terminal", async () => {
    expect((await sluice(["--help"])).stdout).not.toContain("\u001b")
  })
})

it("--version prints the version of package.json", async () => {
  const { code, stdout } = await sluice(["--version"])
  expect({ code, stdout }).toEqual({ code: 0, stdout: `sluice v${version}\n` })
})

describe("a mistake on the command line", () => {
  it.each([
    ["an unknown command", ["wroker"], /^sluice: .*"wroker".*Did you mean: worker\n/],
    [
      "an unknown flag",
      ["worker", "--max-inflght", "3"],
      /^sluice: .*--max-inflght.*Did you mean: --max-inflight\n/
    ],
    ["a flag of another program", ["worker", "--port", "3"], /^sluice: .*--port/],
    ["a flag without its value", ["worker", "--port"], /^sluice: .*--port/],
    ["a number that is none", ["demo", "--calls", "many"], /^sluice: .*--calls.*many/],
    ["too few calls", ["demo", "--calls", "0"], /^sluice: .*at least 4, got 0/],
    ["an extra argument", ["config", "everything"], /^sluice: .*everything/]
  ])("such as %s ends with 2 and a short message on stderr", async (_what, args, message) => {
    const { code, stderr, stdout } = await sluice(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/\nRun 'sluice.* --help' for help\.\n$/)
    expect(stderr).not.toMatch(/^\s+at /m)
  })
})

describe("mistakes in the settings", () => {
  it.each(["start", "worker", "config"])(
    "of %s are all reported in one run, without a stack",
    async (command) => {
      const { code, stderr, stdout } = await sluice([command], {
        ...gateway,
        max_inflight: "0",
        ack_wait: "abc"
      })
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" })
      expect(stderr.split("\n")).toEqual([
        "sluice: 2 mistakes in the settings:",
        expect.stringMatching(/^ {2}max_inflight="0" is not allowed: /),
        expect.stringMatching(/^ {2}ack_wait="abc" is not allowed: /),
        ""
      ])
    }
  )

  it("name the three ways to say where functions are when none is given", async () => {
    const { code, stderr } = await sluice(["worker"])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^sluice: .*functions_file.*function_url.*gateway_url/)
  })
})

describe("config", () => {
  const environment = { ...gateway, NATS_URL: "nats://user:hunter2@nats:4222", ack_wait: "30s" }

  it("prints each setting with where it came from, credentials hidden", async () => {
    const { code, stderr, stdout } = await sluice(["config", "--max-inflight", "7"], environment)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(stdout).toMatch(/^NATS_URL +nats:\/\/\*\*\*@nats:4222 +environment$/m)
    expect(stdout).toMatch(/^max_inflight +7 +flag$/m)
    expect(stdout).toMatch(/^port +8080 +default$/m)
    expect(stdout).toMatch(/^functions_file +- +default$/m)
    expect(stdout).not.toContain("hunter2")
  })

  it("prints JSON for programs, and the settings of the program asked for", async () => {
    const { stdout } = await sluice(["config", "--for", "gateway", "--output", "json"], environment)
    const settings = JSON.parse(stdout) as Record<string, unknown>
    expect(Object.keys(settings)).toEqual(settingsOf("gateway").map(([, setting]) => setting.name))
    expect(settings).toMatchObject({
      NATS_URL: { value: "nats://***@nats:4222", from: "environment", flag: "--nats-url" },
      metrics_port: { value: "8082", from: "default" },
      functions_file: { value: null, from: "default" }
    })
    expect(stdout).not.toContain("hunter2")
  })

  it("warns about variables of OpenFaaS that do nothing, on stderr", async () => {
    const { code, stderr } = await sluice(["config"], { ...gateway, nats_durable: "faas-workers" })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^warning: nats_durable is not supported: .+\n$/)
  })
})
