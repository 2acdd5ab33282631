import { createHmac } from "node:crypto"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { spawnProgram, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const start = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>>) {
  const nats = yield* startNats()
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  yield* startWorker({ NATS_URL: nats.url, function_url: `${fn.url}/{name}`, ...environment })
  const stranger = yield* Stranger.meet(nats.url)
  const { acked } = yield* Stranger.meet(nats.url, Stranger.callbacksStream)
  const publish = stranger.publish("echo", {
    Method: "POST",
    Function: "echo",
    CallbackUrl: `${receiver.url}/done`
  })
  return { fn, receiver, stranger, publish, callbackSettled: acked(1) }
})

it.live.each([
  ["an address that is denied", { callback_deny_networks: "127.0.0.0/8" }, "callback_deny_networks"],
  ["a host that is not allowed", { callback_allow_hosts: "hooks.test" }, "callback_allow_hosts"]
] as const)(
  "a callback to %s is a dead letter, and functions are called there all the same",
  ([, rule, setting]) =>
    Effect.gen(function* () {
      const { callbackSettled, fn, publish, receiver, stranger } = yield* start(rule)
      yield* publish
      yield* callbackSettled
      expect(fn.requests).toHaveLength(1)
      expect(receiver.requests).toEqual([])
      const letters = yield* stranger.deadLetters
      expect(letters.map(({ headers }) => headers)).toMatchObject([
        { "Sluice-Reason": "callback-undeliverable", "Sluice-Detail": expect.stringContaining(setting) }
      ])
    })
)

it.live(
  "every try to deliver a callback has the same id and is signed anew, whatever the function answered",
  () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryDirectory, "keys")
      const key = Buffer.alloc(24, 9)
      yield* Effect.promise(() => writeFile(file, `whsec_${key.toString("base64")}`))
      const { callbackSettled, fn, publish, receiver } = yield* start({ callback_signing_keys_file: file })
      fn.answer((_, response) => void response.setHeader("Webhook-Id", "forged").end("the result"))
      receiver.answer(
        (_, response) => void response.writeHead(receiver.requests.length === 1 ? 503 : 200).end()
      )
      yield* publish
      yield* callbackSettled
      const ids = receiver.requests.map((request) => request.header("webhook-id"))
      expect(ids).toEqual(Array(2).fill(expect.stringMatching(/^callback-[0-9a-z]+-\d+$/)))
      expect(new Set(ids).size).toBe(1)
      for (const request of receiver.requests) {
        const signed = `${request.header("webhook-id")}.${request.header("webhook-timestamp")}.the result`
        const hmac = createHmac("sha256", key).update(signed).digest("base64")
        expect(request.header("webhook-signature")).toBe(`v1,${hmac}`)
      }
    })
)

it.live("a worker whose keys cannot be read says which line, and ends", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const file = join(yield* temporaryDirectory, "keys")
    yield* Effect.promise(() => writeFile(file, "# ours\nhunter2\n"))
    const environment = { NATS_URL: nats.url, callback_signing_keys_file: file }
    const { exit, log } = yield* spawnProgram(["worker"], environment)
    expect(yield* exit).toBe(2)
    const said = log.lines.map(({ message }) => message).join("\n")
    expect(said).toContain(`sluice: callback_signing_keys_file has mistakes:\n  ${file}:2:1: `)
    expect(said).not.toContain("hunter2")
  })
)
