import { describe, expect, it } from "@effect/vitest"
import { DiscardPolicy, RetentionPolicy } from "@nats-io/jetstream"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { natsClient, post, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const problemOf = (answer: { readonly headers: Headers; readonly body: string }) => {
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json")
  return JSON.parse(answer.body)
}

/** The headers of every request are of the same length, so that the limit is the same. */
const postBytes = (url: string, size: number) =>
  post(url, { body: new Uint8Array(size).fill(0x78), headers: { "X-Call-Id": "c".repeat(128) } })

describe.each(servers)("on $name", ({ bin }) => {
  it.live("the largest body that is accepted is executed, and can be a dead letter", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin, config: "max_payload: 64KB" })
      const fn = yield* HttpFunction.start({ answer: (_, response) => void response.writeHead(500).end() })
      const environment = {
        NATS_URL: nats.url,
        function_url: `${fn.url}/{name}`,
        max_retry_attempts: "1"
      }
      const gateway = yield* startGateway(environment)
      yield* startWorker(environment)
      const stranger = yield* Stranger.meet(nats.url)
      // The longest name makes the longest headers of a dead letter.
      const url = `${gateway.url}/async-function/${"f".repeat(128)}.${"n".repeat(63)}`

      const refused = yield* postBytes(url, 60_000)
      expect(refused.status).toBe(413)
      const limit = Number(/the body may have (\d+) bytes/.exec(problemOf(refused).detail)?.[1])
      expect((yield* postBytes(url, limit + 1)).status).toBe(413)
      expect((yield* postBytes(url, limit)).status).toBe(202)

      yield* stranger.acked(1)
      expect(fn.requests.map(({ body }) => body.length)).toEqual([limit, limit])
      const [dead, ...others] = yield* stranger.deadLetters
      expect(others).toEqual([])
      expect(dead?.headers["Sluice-Reason"]).toBe("exhausted")
      expect(Buffer.from(JSON.parse(dead?.message.toString() ?? "").Body, "base64")).toHaveLength(limit)
      yield* stranger.allFinished
    })
  )

  it.live.each([
    { limit: { max_msgs: 1 }, name: "messages" },
    { limit: { max_bytes: 4096 }, name: "bytes" },
    { limit: { max_msgs_per_subject: 1, discard_new_per_subject: true }, name: "messages of a subject" }
  ])(
    "a queue that is full by $name is answered with 429 and Retry-After, and takes calls again later",
    ({ limit }) =>
      Effect.gen(function* () {
        const nats = yield* startNats({ bin })
        const { manager } = yield* natsClient(nats.url)
        yield* Effect.promise(() =>
          manager.streams.add({
            name: "OF_faas-request",
            subjects: ["faas-request", "faas-request.>"],
            retention: RetentionPolicy.Workqueue,
            discard: DiscardPolicy.New,
            ...limit
          })
        )
        const gateway = yield* startGateway({ NATS_URL: nats.url })
        const submit = post(`${gateway.url}/async-function/f`, { body: "x".repeat(1500) })
        expect((yield* submit).status).toBe(202)
        const refused = yield* submit
        expect(refused.status).toBe(429)
        expect(refused.headers.get("Retry-After")).toBe("1")
        expect(problemOf(refused)).toMatchObject({ status: 429, title: "The queue is full" })
        expect((yield* Effect.promise(() => manager.streams.info("OF_faas-request"))).state.messages).toBe(1)
        yield* Effect.promise(() => manager.streams.purge("OF_faas-request"))
        expect((yield* submit).status).toBe(202)
      })
  )
})

it.live("when JetStream does not confirm in time, the gateway answers 503 and goes on", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const gateway = yield* startGateway({ NATS_URL: nats.url, publish_timeout: "200ms" })
    // A process stops and goes on a moment after it was told to.
    const answered = (status: number) =>
      eventually(
        `the gateway answers ${status}`,
        Effect.filterOrFail(post(`${gateway.url}/async-function/f`), (answer) => answer.status === status)
      )
    yield* answered(202)
    yield* nats.suspend
    const refused = yield* answered(503)
    expect(problemOf(refused)).toMatchObject({ status: 503, title: "The queue is unavailable" })
    yield* nats.resume
    yield* answered(202)
  })
)

it.live("two calls with the same X-Call-Id are two calls", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const fn = yield* HttpFunction.start()
    const environment = { NATS_URL: nats.url, function_url: `${fn.url}/{name}` }
    const gateway = yield* startGateway(environment)
    yield* startWorker(environment)
    for (const body of ["first", "second"]) {
      const accepted = yield* post(`${gateway.url}/async-function/f`, {
        body,
        headers: { "X-Call-Id": "the-same" }
      })
      expect(accepted.status).toBe(202)
      expect(accepted.headers.get("X-Call-Id")).toBe("the-same")
    }
    const requests = yield* fn.received(2)
    expect(requests.map(({ body }) => body.toString()).sort()).toEqual(["first", "second"])
    expect(requests.map((request) => request.header("X-Call-Id"))).toEqual(["the-same", "the-same"])
  })
)
