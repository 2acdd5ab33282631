import { existsSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { markdown } from "../../src/settings/SettingsReference.ts"
import { table } from "../../src/settings/SettingsTable.ts"

const readme = new URL("../../README.md", import.meta.url)

describe("the table of settings", () => {
  it("has a row for each setting, with its default", () => {
    const lines = markdown().split("\n")
    expect(lines).toHaveLength(2 + Object.keys(table).length)
    expect(lines.find((line) => line.includes("`metrics_port`"))).toContain("`8081`, `8082` for gateway")
    expect(lines.find((line) => line.includes("`NATS_URL`"))).toContain("`--nats-url` | not set")
  })

  it.skipIf(!existsSync(readme))("in the README is the one of the program", () => {
    const text = readFileSync(readme, "utf8")
    const between = text.split("<!-- settings -->")[1]?.split("<!-- /settings -->")[0]
    expect(between?.trim()).toBe(markdown())
  })
})
