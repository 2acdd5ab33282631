import { readFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { eventually } from "../support/Eventually.ts"
import * as FunctionsYaml from "../support/FunctionsYaml.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { startNats } from "../support/NatsServers.ts"
import * as QueueState from "../support/QueueState.ts"
import { natsClient, post, spawnProgram, startGateway } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

// Thousands of requests and processes of their own: slow where many others run.
vi.setConfig({ testTimeout: 90_000 })

const MEBIBYTE = 1024 ** 2

/** A number of kB from the kernel's account of a process, in bytes. */
const memoryOf = (pid: number | undefined, field: "VmRSS" | "VmHWM"): number => {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024
}

describe.skipIf(process.platform !== "linux")("a gateway that gets more than JetStream confirms", () => {
  it.live("refuses with 503 and Retry-After, stays small, and every 202 is stored", () =>
    Effect.gen(function* () {
      const nats = yield* startNats()
      const client = yield* natsClient(nats.url)
      const gateway = yield* spawnProgram(["gateway"], {
        NATS_URL: nats.url,
        max_accepting_bytes: String(8 * MEBIBYTE),
        publish_timeout: "30s"
      })
      yield* gateway.log.line("connected to NATS")
      const port = yield* eventually(
        "it listens",
        () => gateway.log.with("listening").find(({ fields }) => "port" in fields)?.fields["port"] ?? false
      )
      const url = `http://127.0.0.1:${port}/async-function/f`
      const body = new Uint8Array(100 * 1024).fill(0x78)
      const submit = post(url, { body })
      expect((yield* submit).status).toBe(202)
      const before = memoryOf(gateway.pid, "VmHWM")

      yield* nats.suspend
      let answers = 0
      const flood = Effect.forEach(
        Array.from({ length: 2_000 }),
        () => Effect.tap(submit, () => Effect.sync(() => void answers++)),
        { concurrency: 500 }
      )
      const [results] = yield* Effect.all(
        [
          flood,
          // What was admitted waits for NATS; all others are answered while it is silent.
          Effect.andThen(
            eventually("the others are refused", () => answers >= 1_800),
            nats.resume
          )
        ],
        { concurrency: "unbounded" }
      )
      const refused = results.filter(({ status }) => status === 503)
      const accepted = results.filter(({ status }) => status === 202)
      expect(refused.length + accepted.length).toBe(results.length)
      expect(new Set(refused.map(({ headers }) => headers.get("Retry-After")))).toEqual(new Set(["1"]))
      expect(JSON.parse(refused[0]?.body ?? "")).toMatchObject({ title: "Too much is sent at once" })
      expect(accepted.length).toBeGreaterThan(0)
      expect((yield* QueueState.streamInfo(client)).state.messages).toBe(1 + accepted.length)
      // 200 MB were sent; a body is held as bytes, as base64 and in the client's buffer.
      expect(memoryOf(gateway.pid, "VmHWM") - before).toBeLessThan(200 * MEBIBYTE)
    })
  )
})

it.live("a function with com.openfaas.queue.max_pending gets no more calls into its queue, others do", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const path = (yield* FunctionsYaml.write([
      { name: "small", url: "http://127.0.0.1:1", annotations: { "com.openfaas.queue.max_pending": "3" } },
      { name: "free", url: "http://127.0.0.1:1" }
    ])).path
    const gateway = yield* startGateway({ NATS_URL: nats.url, functions_file: path })
    const client = yield* natsClient(nats.url)
    const submit = (fn: string) => post(`${gateway.url}/async-function/${fn}`)
    const answers = yield* Effect.forEach(Array.from({ length: 20 }), () => submit("small"), {
      concurrency: 20
    })
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(3)
    const refused = answers.find(({ status }) => status !== 202)
    expect(refused?.status).toBe(429)
    expect(refused?.headers.get("Retry-After")).toBe("1")
    expect(JSON.parse(refused?.body ?? "").detail).toContain("small.openfaas-fn may have 3 unfinished calls")
    expect((yield* submit("free")).status).toBe(202)

    // One is finished: there is room for one.
    yield* Effect.promise(() => client.manager.streams.deleteMessage(QueueState.streamName, 1))
    yield* eventually(
      "the function takes a call again",
      Effect.map(submit("small"), ({ status }) => status === 202)
    )
    expect((yield* submit("small")).status).toBe(429)
  })
)

it.live("max_queue_messages refuses with 429, also on a stream that was there before", () =>
  Effect.gen(function* () {
    const nats = yield* startNats()
    const client = yield* natsClient(nats.url)
    const unlimited = yield* startGateway({ NATS_URL: nats.url })
    yield* unlimited.stop
    const gateway = yield* startGateway({ NATS_URL: nats.url, max_queue_messages: "2" })
    const submit = post(`${gateway.url}/async-function/f`)
    expect((yield* submit).status).toBe(202)
    expect((yield* submit).status).toBe(202)
    expect((yield* submit).status).toBe(429)
    expect((yield* QueueState.streamInfo(client)).config.max_msgs).toBe(2)
  })
)

describe.skipIf(process.platform !== "linux")("a worker with 50,000 waiting calls", () => {
  it.live("needs no more memory than with 500", () =>
    Effect.gen(function* () {
      const memoryWith = Effect.fnUntraced(function* (calls: number) {
        const nats = yield* startNats()
        const gate = new Gate()
        const fn = yield* HttpFunction.start({
          answer: async (_, response) => gate.pass().then(() => void response.end())
        })
        const stranger = yield* Stranger.meet(nats.url)
        yield* startGateway({ NATS_URL: nats.url })
        const message = JSON.stringify({ Function: "f", Method: "POST", Body: "eHh4".repeat(250) })
        yield* Effect.forEach(Array.from({ length: calls }), () => stranger.publish("f", message), {
          concurrency: 1_000,
          discard: true
        })
        const worker = yield* spawnProgram(["worker"], {
          NATS_URL: nats.url,
          function_url: `${fn.url}/{name}`,
          max_inflight: "20"
        })
        yield* fn.received(20)
        const memory = memoryOf(worker.pid, "VmRSS")
        expect(yield* stranger.unfinished).toBe(calls)
        yield* worker.end("SIGKILL")
        return memory
      })
      const few = yield* Effect.scoped(memoryWith(500))
      const many = yield* Effect.scoped(memoryWith(50_000))
      // The messages alone are 55 MB.
      expect(many - few).toBeLessThan(25 * MEBIBYTE)
    })
  )
})
