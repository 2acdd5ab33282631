import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import * as LetterBox from "../support/LetterBox.ts"
import { startNats } from "../support/NatsServers.ts"
import { sluice } from "./spawn.ts"

// Several starts of the program a test, each of which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 90_000 })

/** A queue with three calls of two functions and a dead letter. */
const start = Effect.gen(function* () {
  const { url } = yield* startNats()
  const box = yield* LetterBox.open(url)
  yield* box.store({ sequence: 1 })
  yield* Effect.promise(async () => {
    for (const fn of ["echo", "echo", "resize"]) {
      await box.jetstream.publish(`faas-request.${fn}.openfaas-fn`, LetterBox.callMessage(fn, fn))
    }
  })
  const run = (...args: ReadonlyArray<string>) =>
    Effect.promise(() => sluice(["queue", ...args], { NATS_URL: url }))
  return { box, run }
})

it.live("sluice queue ls and info show calls, functions and dead letters", () =>
  Effect.gen(function* () {
    const { box, run } = yield* start
    const listed = yield* run("ls")
    expect(listed).toMatchObject({ code: 0, stderr: "" })
    expect(listed.stdout).toMatch(/^QUEUE +OLDEST CALL +CALLS +BYTES +CONSUMERS +CALLBACKS +DEAD LETTERS\n/)
    expect(listed.stdout).toMatch(/^faas-request +\S+Z +3 +\d+ +0 +0 +1$/m)
    const { stdout } = yield* run("info", "--output", "json")
    expect(JSON.parse(stdout)).toMatchObject({
      queue: "faas-request",
      stream: "OF_faas-request",
      calls: 3,
      oldest: expect.stringMatching(/Z$/),
      callbacks: 0,
      deadLetters: 1,
      maxCalls: null,
      functions: [
        { function: "echo.openfaas-fn", calls: 2 },
        { function: "resize.openfaas-fn", calls: 1 }
      ]
    })
    expect((yield* run("info")).stdout).toMatch(/^echo\.openfaas-fn +2$/m)

    yield* Effect.promise(() => box.jetstream.publish("faas-request.\u001b[31mred", "{}"))
    expect((yield* run("info")).stdout).toMatch(/^faas-request\.\\u001b\[31mred +1$/m)
    const all = yield* run("ls", "--output", "json")
    expect(JSON.parse(all.stdout)).toMatchObject([{ queue: "faas-request", calls: 4, deadLetters: 1 }])
  })
)

it.live(
  "sluice queue purge removes the calls of a function or all, and wants --yes where nobody is asked",
  () =>
    Effect.gen(function* () {
      const { box, run } = yield* start
      expect(yield* run("purge")).toEqual({
        code: 2,
        stdout: "",
        stderr:
          "sluice: this would remove 3 calls from queue faas-request, for ever: add --yes if you mean it\n"
      })
      expect(yield* run("purge", "--function", "echo", "--yes")).toMatchObject({
        code: 0,
        stdout: "2 calls for echo.openfaas-fn removed\n"
      })
      expect((yield* box.queued).map(({ call }) => call["Function"])).toEqual(["resize"])
      const { stdout } = yield* run("purge", "--yes", "--output", "json")
      expect(JSON.parse(stdout)).toEqual({ queue: "faas-request", removed: 1 })
      expect(yield* box.queued).toEqual([])
      expect(yield* box.stored.all).toHaveLength(1)
    })
)
