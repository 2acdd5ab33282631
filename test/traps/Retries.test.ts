import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import { temporaryDirectory } from "../support/TemporaryDirectory.ts"

const start = Effect.fnUntraced(function* (
  bin: string | undefined,
  environment: Readonly<Record<string, string>> = {}
) {
  const nats = yield* startNats({ bin })
  const fn = yield* HttpFunction.start({ answer: (_, response) => void response.writeHead(500).end() })
  const receiver = yield* HttpFunction.start()
  const worker = yield* startWorker({
    NATS_URL: nats.url,
    function_url: `${fn.url}/{name}`,
    limiter_enabled: "false",
    ...environment
  })
  const stranger = yield* Stranger.meet(nats.url)
  return { fn, receiver, worker, stranger }
})

const delays = (settlements: ReadonlyArray<Stranger.Settlement>) =>
  settlements.filter(({ kind }) => kind === "nak").map(({ delayMillis }) => delayMillis)

/** A file with one function, and the settings that name it. */
const functionsFile = Effect.fnUntraced(function* (
  url: string,
  annotations: Readonly<Record<string, string>>
) {
  const path = join(yield* temporaryDirectory, "functions.yml")
  const content = { functions: [{ name: "flaky", url: `${url}/flaky`, annotations }] }
  yield* Effect.promise(() => writeFile(path, JSON.stringify(content)))
  return { functions_file: path }
})

describe.each(servers)("on $name", ({ bin }) => {
  it.live(
    "a call that fails for ever is tried 1 + max_retry_attempts times, each time later, and is dead then",
    () =>
      Effect.gen(function* () {
        const { fn, receiver, stranger } = yield* start(bin, {
          max_retry_attempts: "4",
          initial_retry_wait: "20ms",
          max_retry_wait: "100ms"
        })
        const statuses = [500, 502, 503, 504, 408]
        fn.answer(
          (_, response) => void response.writeHead(statuses[fn.requests.length - 1] ?? 500).end("last words")
        )
        const message = { Method: "POST", Function: "flaky", CallbackUrl: receiver.url }
        yield* stranger.publish("flaky", message)
        yield* stranger.acked(1)
        expect(delays(stranger.settlements)).toEqual([20, 40, 80, 100])
        expect(fn.requests).toHaveLength(5)

        const [callback, ...more] = yield* receiver.received(1)
        expect(more).toEqual([])
        expect(callback?.header("X-Function-Status")).toBe("408")
        expect(callback?.header("X-Retry")).toBe("4")
        expect(callback?.header("X-Retry-Max")).toBe("4")
        expect(callback?.body.toString()).toBe("last words")
        const [dead, ...others] = yield* stranger.deadLetters
        expect(others).toEqual([])
        expect(dead?.message.toString()).toBe(JSON.stringify(message))
        expect(dead?.headers).toMatchObject({
          "Sluice-Reason": "exhausted",
          "Sluice-Attempts": "5",
          "Sluice-Last-Status": "408"
        })
        yield* stranger.allFinished
      })
  )

  it.live("a call that succeeds at last is no dead letter, and its callback tells the retries", () =>
    Effect.gen(function* () {
      const { fn, receiver, stranger } = yield* start(bin, { max_retry_attempts: "9" })
      fn.answer((_, response) => void response.writeHead(fn.requests.length < 3 ? 503 : 200).end())
      yield* stranger.publish("flaky", { Method: "POST", Function: "flaky", CallbackUrl: receiver.url })
      yield* stranger.acked(1)
      const [callback] = yield* receiver.received(1)
      expect(callback?.header("X-Function-Status")).toBe("200")
      expect(callback?.header("X-Retry")).toBe("2")
      expect(callback?.header("X-Retry-Max")).toBe("9")
      expect(yield* stranger.deadLetters).toEqual([])
    })
  )

  it.live("calls that wait for their retry are tried in the order they come due", () =>
    Effect.gen(function* () {
      const { fn, stranger } = yield* start(bin, { max_inflight: "1", initial_retry_wait: "0s" })
      const waits = new Map([
        ["late", "1200ms"],
        ["soon", "600ms"]
      ])
      const gate = new Gate()
      fn.answer((_, response) => {
        const status = fn.requests.length <= 2 ? 500 : 200
        return gate.pass().then(() => void response.writeHead(status).end())
      })
      for (const [name, wait] of waits) {
        yield* stranger.publish("flaky", {
          Method: "POST",
          Function: "flaky",
          Path: `/${name}`,
          Annotations: { "com.openfaas.retry.min_wait": wait, "com.openfaas.retry.max_wait": wait }
        })
      }
      gate.open()
      yield* stranger.acked(2)
      expect(fn.requests.map(({ url }) => url.replace("/flaky/", ""))).toEqual([
        "late",
        "soon",
        "soon",
        "late"
      ])
    })
  )
})

const overrides = {
  "com.openfaas.retry.attempts": "2",
  "com.openfaas.retry.codes": "418",
  "com.openfaas.retry.min_wait": "30ms",
  "com.openfaas.retry.max_wait": "45ms"
}

it.live.each([
  { from: "its message", message: overrides, file: undefined },
  { from: "the functions file", message: {}, file: overrides },
  {
    from: "its message before the functions file",
    message: overrides,
    file: {
      "com.openfaas.retry.attempts": "7",
      "com.openfaas.retry.codes": "500",
      "com.openfaas.retry.min_wait": "1h",
      "com.openfaas.retry.max_wait": "1h"
    }
  },
  {
    from: "its message, and what that does not say from the functions file",
    message: { "com.openfaas.retry.attempts": "2", "com.openfaas.retry.min_wait": "30ms" },
    file: {
      "com.openfaas.retry.attempts": "7",
      "com.openfaas.retry.codes": "418",
      "com.openfaas.retry.max_wait": "45ms"
    }
  }
])("a call takes its retry policy from $from", ({ message, file }) =>
  Effect.gen(function* () {
    const place = yield* HttpFunction.start({ answer: (_, response) => void response.writeHead(418).end() })
    const { receiver, stranger } = yield* start(undefined, {
      function_url: `${place.url}/{name}`,
      ...(file === undefined ? {} : yield* functionsFile(place.url, file))
    })
    yield* stranger.publish("flaky", {
      Method: "POST",
      Function: "flaky",
      Annotations: message,
      CallbackUrl: receiver.url
    })
    yield* stranger.acked(1)
    expect(delays(stranger.settlements)).toEqual([30, 45])
    expect(place.requests).toHaveLength(3)
    const [callback] = yield* receiver.received(1)
    expect(callback?.header("X-Retry-Max")).toBe("2")
    const [dead] = yield* stranger.deadLetters
    expect(dead?.headers).toMatchObject({ "Sluice-Reason": "exhausted", "Sluice-Last-Status": "418" })
  })
)

it.live("a status that the function does not want retried is final", () =>
  Effect.gen(function* () {
    const { fn, stranger } = yield* start(undefined)
    yield* stranger.publish("flaky", {
      Method: "POST",
      Function: "flaky",
      Annotations: { "com.openfaas.retry.codes": "503" }
    })
    yield* stranger.acked(1)
    expect(fn.requests).toHaveLength(1)
    expect(yield* stranger.deadLetters).toEqual([])
  })
)

it.live("an override that is wrong falls back to the worker's setting and is logged once", () =>
  Effect.gen(function* () {
    const { fn, stranger, worker } = yield* start(undefined, {
      max_retry_attempts: "1",
      initial_retry_wait: "25ms"
    })
    const message = {
      Method: "POST",
      Function: "flaky",
      Annotations: {
        "com.openfaas.retry.attempts": "many",
        "com.openfaas.retry.min_wait": "10",
        "com.openfaas.retry.codes": "200",
        "com.openfaas.retry.max_wait": "1h"
      }
    }
    yield* stranger.publish("flaky", message)
    yield* stranger.publish("flaky", message)
    yield* stranger.acked(2)
    expect(fn.requests).toHaveLength(4)
    expect(delays(stranger.settlements)).toEqual([25, 25])
    for (const name of ["attempts", "min_wait", "codes"]) {
      expect(worker.log.with(`com.openfaas.retry.${name}`)).toMatchObject([{ level: "Warn" }])
    }
    expect(worker.log.with("com.openfaas.retry.max_wait")).toEqual([])
  })
)

const hour = 3_600_000

it.live.each([
  { name: "seconds", value: () => "90", atLeast: 90_000, atMost: 90_000 },
  { name: "more than an hour", value: () => "86400", atLeast: hour, atMost: hour },
  { name: "less than the first wait", value: () => "0", atLeast: 10_000, atMost: 10_000 },
  { name: "a text that is neither", value: () => "soon", atLeast: 10_000, atMost: 10_000 },
  {
    name: "an HTTP date",
    value: () => new Date(Date.now() + hour / 2).toUTCString(),
    atLeast: hour / 4,
    atMost: hour / 2
  },
  {
    name: "an HTTP date that has passed",
    value: () => new Date(Date.now() - hour).toUTCString(),
    atLeast: 10_000,
    atMost: 10_000
  }
])("Retry-After with $name delays the retry by no less and no more", ({ value, atLeast, atMost }) =>
  Effect.gen(function* () {
    const { fn, stranger } = yield* start(undefined, { initial_retry_wait: "10s", max_retry_wait: "20s" })
    fn.answer((_, response) => void response.writeHead(429, { "Retry-After": value() }).end())
    yield* stranger.publish("busy", { Method: "POST", Function: "busy" })
    yield* stranger.givenBack(1)
    const [delay] = delays(stranger.settlements)
    expect(delay).toBeGreaterThanOrEqual(atLeast)
    expect(delay).toBeLessThanOrEqual(atMost)
    expect(yield* stranger.unfinished).toBe(1)
  })
)
