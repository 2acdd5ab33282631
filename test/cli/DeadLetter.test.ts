import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { describe, vi } from "vitest"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as LetterBox from "../support/LetterBox.ts"
import { startNats } from "../support/NatsServers.ts"
import { startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import { sluice } from "./spawn.ts"

// Several starts of the program a test, each of which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 90_000 })

const hour = 3_600_000

/** Five letters of two functions, and the program beside them. */
const start = Effect.gen(function* () {
  const { url } = yield* startNats()
  const box = yield* LetterBox.open(url)
  const now = Date.now()
  yield* box.store({ sequence: 1, fn: "echo", deadMillis: now - 5 * hour })
  yield* box.store({ sequence: 2, fn: "resize", deadMillis: now - 4 * hour, reason: "expired" })
  yield* box.store({ sequence: 3, fn: "echo", deadMillis: now - 3 * hour, answer: "no room for you" })
  yield* box.store({ sequence: 4, fn: "resize", deadMillis: now - hour, callId: "call-1" })
  yield* box.store({ sequence: 5, fn: "echo", deadMillis: now, message: "garbage", reason: "undecodable" })
  return { box, url, run: command(url) }
})

const command =
  (url: string) =>
  (...args: ReadonlyArray<string>) =>
    Effect.promise(() => sluice(["dead-letter", ...args], { NATS_URL: url }))

const jsonLines = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))

describe("sluice dead-letter ls", () => {
  it.live("prints a line for each letter, oldest first", () =>
    Effect.gen(function* () {
      const { run } = yield* start
      const { code, stderr, stdout } = yield* run("ls")
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      const lines = stdout.trimEnd().split("\n")
      expect(lines[0]).toMatch(/^ID +DIED +FUNCTION +REASON +CALL ID +STATUS +TRIES +BYTES$/)
      expect(lines[2]).toMatch(/^2 +\S+Z +resize\.openfaas-fn +expired +call-2 +500 +3 +\d+$/)
      expect(lines).toHaveLength(6)
    })
  )

  it.live("prints one JSON object a line, of those that every filter lets through", () =>
    Effect.gen(function* () {
      const { run } = yield* start
      const filters = ["--function", "resize", "--since", "4h30m", "--until", "2020-01-01T00:00:00Z"]
      const lists = (...args: ReadonlyArray<string>) => run("ls", "--output", "json", ...args)
      const [some, none] = yield* Effect.all(
        [lists(...filters.slice(0, 4), "--until", "2h"), lists(...filters)],
        { concurrency: 2 }
      )
      expect(jsonLines(some.stdout)).toMatchObject([
        { sequence: 2, function: "resize.openfaas-fn", reason: "expired", callId: "call-2", lastStatus: 500 }
      ])
      expect(none).toEqual({ code: 0, stdout: "", stderr: "no such dead letter in queue faas-request\n" })
    })
  )
})

describe("sluice dead-letter show", () => {
  it.live("tells why, the last answer and the call, with its secrets hidden", () =>
    Effect.gen(function* () {
      const { run } = yield* start
      const { code, stderr, stdout } = yield* run("show", "3")
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
      expect(stdout).toMatch(/^reason +exhausted: the function answered 500$/m)
      expect(stdout).toMatch(/^attempts +3, last status 500$/m)
      expect(stdout).toMatch(/^last answer \(15 bytes\)\n {2}no room for you$/m)
      expect(stdout).toMatch(/^POST \/some\/path\?x=1$/m)
      expect(stdout).toMatch(/^Authorization: \*\*\*$/m)
      expect(stdout).toMatch(/^body \(5 bytes\)\n {2}hello$/m)
      expect(stdout).toContain("annotation com.openfaas.retry.attempts=3")
      expect(stdout).not.toContain("hunter2")
    })
  )

  it.live("finds all letters of a call id, and shows a message that is no call", () =>
    Effect.gen(function* () {
      const { run } = yield* start
      const ofCall = jsonLines((yield* run("show", "call-1", "--output", "json")).stdout)
      expect(ofCall).toMatchObject([
        { sequence: 1, call: { headers: { Authorization: ["***"] }, body: { bytes: 5, text: "hello" } } },
        { sequence: 4, message: null }
      ])
      expect(JSON.stringify(ofCall)).not.toContain("hunter2")
      expect((yield* run("show", "5")).stdout).toMatch(/^message, which is no call.*\n {2}garbage$/m)
      expect(jsonLines((yield* run("show", "5", "--output", "json")).stdout)).toMatchObject([
        { call: null, message: { text: "garbage" } }
      ])
    })
  )
})

describe("sluice dead-letter replay", () => {
  it.live("puts the calls back, says what it could not, and leaves nothing to press again", () =>
    Effect.gen(function* () {
      const { box, run } = yield* start
      const { code, stderr, stdout } = yield* run("replay", "--all")
      expect(code).toBe(2)
      expect(stdout).toMatch(/^5 echo\.openfaas-fn call-5: refused, nobody could run it: .*\n$/)
      expect(stderr).toContain("4 replayed, 1 refused\n")
      expect(stderr).toMatch(/sluice: 1 dead letter could not be replayed\n$/)
      expect((yield* box.queued).map(({ call }) => call["Function"])).toEqual([
        "echo",
        "resize",
        "echo",
        "resize"
      ])
      const again = yield* run("replay", "--function", "resize")
      expect(again).toMatchObject({ code: 0, stdout: "" })
      expect(again.stderr).toContain("no such dead letter")
      expect(yield* box.queued).toHaveLength(4)
    })
  )

  it.live("of ids and filters takes only those, and --dry-run takes none", () =>
    Effect.gen(function* () {
      const { box, run } = yield* start
      const dry = yield* run("replay", "--function", "echo", "--since", "6h", "--dry-run", "--output", "json")
      expect(dry.code).toBe(0)
      expect(jsonLines(dry.stdout).map(({ sequence }) => sequence)).toEqual([1, 3, 5])
      expect(yield* box.queued).toEqual([])
      const { code, stdout } = yield* run("replay", "2", "call-3", "--rate", "1000/s", "--output", "json")
      expect(code).toBe(0)
      expect(jsonLines(stdout)).toMatchObject([
        { sequence: 2, outcome: "replayed" },
        { sequence: 3, outcome: "replayed" }
      ])
      expect((yield* box.stored.all).map(({ sequence }) => sequence)).toEqual([1, 4, 5])
    })
  )
})

describe("sluice dead-letter purge", () => {
  it.live("removes what is meant, for ever, and wants --yes where nobody can be asked", () =>
    Effect.gen(function* () {
      const { box, run } = yield* start
      const unasked = yield* run("purge", "--function", "resize")
      expect(unasked).toEqual({
        code: 2,
        stdout: "",
        stderr:
          "sluice: this would remove 2 dead letters of queue faas-request, for ever: add --yes if you mean it\n"
      })
      expect(yield* run("purge", "--all", "--dry-run")).toMatchObject({
        code: 0,
        stdout: "5 dead letters would be removed\n"
      })
      expect(yield* box.stored.all).toHaveLength(5)
      const { code, stdout } = yield* run("purge", "--function", "resize", "--yes")
      expect({ code, stdout }).toEqual({ code: 0, stdout: "2 dead letters removed\n" })
      const rest = yield* run("purge", "--all", "--yes", "--output", "json")
      expect(JSON.parse(rest.stdout)).toEqual({ queue: "faas-request", matching: 3, removed: 3 })
      expect(yield* box.stored.all).toEqual([])
    })
  )
})

describe("a mistake", () => {
  it.live("ends with 2 and a line that says what to do", () =>
    Effect.gen(function* () {
      const { run } = yield* start
      const mistakes = [
        ["replay without a word which", ["replay"], /^sluice: which dead letters\? Give ids, a filter/],
        ["a letter that is none", ["show", "99"], /^sluice: there is no dead letter "99": /],
        ["a time that is none", ["ls", "--since", "yesterday"], /--since.*how long ago.*"yesterday"/],
        ["a rate that is none", ["replay", "--all", "--rate", "fast"], /--rate.*such as 10\/s.*"fast"/],
        ["a limit of none", ["ls", "--limit", "0"], /--limit.*at least 1, got 0/],
        ["a function that is none", ["ls", "--function", "a b"], /--function="a b": a function's name/],
        ["a queue that is not there", ["ls", "--queue-name", "other"], /^sluice: there is no queue "other"/]
      ] as const
      yield* Effect.forEach(
        mistakes,
        ([what, args, message]) =>
          Effect.map(run(...args), ({ code, stderr, stdout }) => {
            expect({ code, stdout }, what).toEqual({ code: 2, stdout: "" })
            expect(stderr, what).toMatch(message)
            expect(stderr, what).not.toMatch(/^\s+at /m)
          }),
        { concurrency: 2 }
      )
    })
  )

  it.live("such as no NATS, or a wrong password, is told at once", () =>
    Effect.gen(function* () {
      const nobody = yield* command("nats://127.0.0.1:1")("ls")
      expect(nobody).toMatchObject({ code: 2, stdout: "" })
      expect(nobody.stderr).toMatch(
        /^sluice: NATS at nats:\/\/127\.0\.0\.1:1 cannot be reached .*NATS_URL.*\n$/
      )
      const { url } = yield* startNats({ config: "authorization { user: a, password: b }" })
      const refused = yield* command(url.replace("//", "//a:wrong@"))("ls")
      expect(refused.stderr).toMatch(/^sluice: NATS at .* refuses the credentials .*\n$/)
      expect(refused.stderr).not.toContain("wrong")
    })
  )
})

it.live("replay gives a result to its receiver once more, and the function does not run again", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const fn = yield* HttpFunction.start({ answer: (_, response) => void response.end("the result") })
    const receiver = yield* HttpFunction.start({
      answer: (_, response) => void response.writeHead(410).end()
    })
    const stranger = yield* Stranger.meet(nats.url)
    const callbacks = yield* Stranger.meet(nats.url, Stranger.callbacksStream)
    yield* startWorker({ NATS_URL: nats.url, function_url: `${fn.url}/{name}` })
    yield* stranger.publish("echo", { Method: "POST", Function: "echo", CallbackUrl: receiver.url })
    yield* callbacks.acked(1)
    expect(yield* stranger.deadLetters).toHaveLength(1)

    receiver.answer((_, response) => void response.end())
    const run = command(nats.url)
    expect(yield* run("replay", "1")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("1 replayed")
    })
    yield* callbacks.acked(2)
    expect(receiver.requests.map(({ body }) => body.toString())).toEqual(["the result", "the result"])
    expect(fn.requests).toHaveLength(1)
    expect(yield* stranger.deadLetters).toEqual([])
  })
)
