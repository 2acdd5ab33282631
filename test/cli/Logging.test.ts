import { describe, expect, it } from "@effect/vitest"
import { Effect, Logger, References } from "effect"
import * as fc from "fast-check"
import * as Logging from "../../src/telemetry/Logging.ts"

function written(encoding: "console" | "json", program: Effect.Effect<unknown>, colour = false) {
  return Effect.gen(function* () {
    const lines: Array<string> = []
    const logger = Logging.make({ encoding, colour, write: (line) => void lines.push(line) })
    yield* program.pipe(
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug")
    )
    return lines
  })
}

const invoked = Effect.logInfo("Invoked").pipe(
  Effect.annotateLogs({
    call_id: "c-1",
    function: "env.openfaas-fn",
    attempt: 1,
    status: 200,
    duration: 0.25
  })
)

describe("a JSON line", () => {
  it.effect("has time, level and message first, then the fields, flat", () =>
    Effect.gen(function* () {
      expect(yield* written("json", invoked)).toEqual([
        '{"ts":"1970-01-01T00:00:00.000Z","level":"info","msg":"Invoked","call_id":"c-1",' +
          '"function":"env.openfaas-fn","attempt":1,"status":200,"duration":0.25}\n'
      ])
    })
  )

  it.effect("takes fields from objects given with the message, and errors as their message", () =>
    Effect.gen(function* () {
      const [line] = yield* written("json", Effect.logError("Failed", { status: 500 }, new Error("no room")))
      expect(JSON.parse(line ?? "")).toMatchObject({
        level: "error",
        msg: "Failed",
        status: 500,
        error: "no room"
      })
    })
  )

  it.effect("keeps its own keys when a field has the same name", () =>
    Effect.gen(function* () {
      const [line] = yield* written("json", Effect.logWarning("Kept", { level: "x", msg: "y", ts: "z" }))
      expect(JSON.parse(line ?? "")).toMatchObject({
        level: "warn",
        msg: "Kept",
        ts: "1970-01-01T00:00:00.000Z"
      })
    })
  )

  it.effect("is written even when a field cannot be", () =>
    Effect.gen(function* () {
      const circular: Record<string, unknown> = {}
      circular["self"] = circular
      const [line] = yield* written("json", Effect.logInfo("Still here", { circular }))
      expect(JSON.parse(line ?? "")).toMatchObject({ msg: "Still here", unprintable_fields: ["circular"] })
    })
  )
})

describe("a console line", () => {
  it.effect("has time, level, message and key=value, quoted only where needed", () =>
    Effect.gen(function* () {
      const lines = yield* written("console", Effect.logInfo("Invoked", { status: 200, detail: "two words" }))
      expect(lines).toEqual(['1970-01-01T00:00:00.000Z info  Invoked status=200 detail="two words"\n'])
    })
  )

  it.effect("is coloured only when asked to", () =>
    Effect.gen(function* () {
      expect((yield* written("console", invoked, true)).join()).toContain("\u001b[")
      expect((yield* written("console", invoked)).join()).not.toContain("\u001b")
    })
  )

  it.effect("shows a stack below the line", () =>
    Effect.gen(function* () {
      const [text] = yield* written("console", Effect.logError("Died", { error: "Error: x\n    at y" }))
      expect(text).toBe("1970-01-01T00:00:00.000Z error Died\n    error: Error: x\n        at y\n")
    })
  )

  it.effect("stays one line and cannot steer the terminal, whatever a name contains", () =>
    Effect.gen(function* () {
      const hostile = fc.sample(
        fc.string({ unit: fc.constantFrom("a", "\r", "\u001b", "\u009b", "\u0000") }),
        200
      )
      for (const name of hostile) {
        const lines = yield* written("console", Effect.logInfo(`Call of ${name}\n`, { name, [name]: 1 }))
        expect(lines.join("")).toMatch(/^\P{Cc}*\n$/u)
      }
    })
  )
})

describe("secrets", () => {
  it.effect.each([["json"], ["console"]] as const)(
    "are hidden by their key, at any depth: %s",
    ([encoding]) =>
      Effect.gen(function* () {
        const fields = {
          password: "hunter2",
          Authorization: "Basic hunter2",
          nats: { token: "hunter2", list: [{ client_secret: "hunter2" }] },
          api_key: 42
        }
        const text = (yield* written(encoding, Effect.logInfo("Connected", fields))).join("")
        expect(text).toContain("***")
        expect(text).not.toMatch(/hunter2|42/)
      })
  )

  it.effect.each([["json"], ["console"]] as const)("are hidden inside URLs: %s", ([encoding]) =>
    Effect.gen(function* () {
      const url = "nats://user:hunter2@host:4222"
      const program = Effect.logInfo(`Connecting to ${url}`, {
        url,
        servers: [url],
        error: new Error(`at ${url}`)
      })
      const text = (yield* written(encoding, program)).join("")
      expect(text.match(/nats:\/\/\*\*\*@host:4222/g)).toHaveLength(4)
      expect(text).not.toContain("hunter2")
    })
  )
})
