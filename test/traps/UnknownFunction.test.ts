import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import { post, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const start = Effect.gen(function* () {
  const nats = yield* startNats()
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  const path = join(yield* temporaryDirectory, "functions.yml")
  yield* Effect.promise(() =>
    writeFile(path, JSON.stringify({ functions: [{ name: "known", url: `${fn.url}/known` }] }))
  )
  const environment = { NATS_URL: nats.url, functions_file: path }
  yield* startWorker(environment)
  const stranger = yield* Stranger.meet(nats.url)
  return { fn, receiver, environment, stranger }
})

it.live("a call of a function that nobody knows any more is a dead letter, and its callback says 404", () =>
  Effect.gen(function* () {
    const { fn, receiver, stranger } = yield* start
    const message = { Method: "POST", Function: "gone", CallbackUrl: receiver.url }
    yield* stranger.publish("gone", message)
    yield* stranger.publish("known", { Method: "POST", Function: "known" })
    yield* stranger.acked(2)
    expect(stranger.settlements.map(({ kind }) => kind)).toEqual(["ack", "ack"])
    const [dead, ...others] = yield* stranger.deadLetters
    expect(others).toEqual([])
    expect(dead?.message.toString()).toBe(JSON.stringify(message))
    expect(dead?.headers).toMatchObject({
      "Sluice-Reason": "unknown-function",
      "Sluice-Function": "gone.openfaas-fn",
      "Sluice-Last-Status": "404"
    })
    const [callback, ...more] = yield* receiver.received(1)
    expect(more).toEqual([])
    expect(callback?.header("X-Function-Status")).toBe("404")
    expect(callback?.header("X-Retry")).toBe("0")
    expect(fn.requests.map(({ url }) => url)).toEqual(["/known/"])
  })
)

it.live("the gateway answers 404 for a function that nobody knows, and stores nothing", () =>
  Effect.gen(function* () {
    const { environment, stranger } = yield* start
    const gateway = yield* startGateway(environment)
    const answer = yield* post(`${gateway.url}/async-function/gone`)
    expect(answer.status).toBe(404)
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json")
    expect(yield* stranger.lastSequence).toBe(0)
  })
)
