import { describe, expect, it } from "@effect/vitest"
import { DiscardPolicy, type JetStreamManager } from "@nats-io/jetstream"
import { Effect } from "effect"
import { eventually } from "../support/Eventually.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

const start = Effect.fnUntraced(function* (
  nats: Parameters<typeof startNats>[0],
  environment: Readonly<Record<string, string>> = {}
) {
  const { url } = yield* startNats(nats)
  const fn = yield* HttpFunction.start()
  const receiver = yield* HttpFunction.start()
  const settings = { NATS_URL: url, function_url: `${fn.url}/{name}`, ...environment }
  const worker = yield* startWorker(settings)
  const stranger = yield* Stranger.meet(url)
  return { fn, receiver, worker, stranger, startAnotherWorker: startWorker(settings) }
})

const good = { Method: "POST", Function: "echo", Body: Buffer.from("good").toString("base64") }

const undecodable: ReadonlyArray<readonly [string, string | Uint8Array]> = [
  ["bytes that are no text", Uint8Array.from([0xff, 0x00, 0xfe, 0x80])],
  ["an empty message", ""],
  ["text that is no JSON", "hello"],
  ["truncated JSON", JSON.stringify(good).slice(0, -5)],
  ["a list", "[]"],
  ["null", "null"],
  ["no function", '{"Method":"POST"}'],
  ["a method that is a number", '{"Method":1,"Function":"echo"}'],
  ["a body that is no base64", '{"Method":"POST","Function":"echo","Body":"%%%"}'],
  ["a header whose value is no list", '{"Method":"POST","Function":"echo","Header":{"A":"b"}}'],
  ["a callback URL that is a number", '{"Method":"POST","Function":"echo","CallbackUrl":7}']
]

const ofOthers: ReadonlyArray<readonly [string, string]> = [
  ["another function", '{"Method":"POST","Function":"other"}'],
  ["another namespace", '{"Method":"POST","Function":"echo.other"}'],
  ["a function that no subject can hold", '{"Method":"POST","Function":"a b"}']
]

const wrong = [
  ...undecodable.map(([name, message]) => ({ name, message, reason: "undecodable" })),
  ...ofOthers.map(([name, message]) => ({ name, message, reason: "function-mismatch" }))
]

/** How the dead letter stream can refuse, and what an operator does about it. */
const refusals = [
  {
    name: "is full and discards nothing",
    config: { subjects: ["faas-request_dead.>"], max_bytes: 1, discard: DiscardPolicy.New },
    complaint: /^OF_faas-request_dead .*: maximum bytes exceeded/,
    repair: (manager: JetStreamManager): Promise<unknown> =>
      manager.streams.update(Stranger.deadStream, { max_bytes: -1 })
  },
  {
    name: "has other subjects",
    config: { subjects: ["elsewhere"] },
    complaint: /^OF_faas-request_dead .*: it does not take the subjects faas-request_dead\.>/,
    repair: (manager: JetStreamManager): Promise<unknown> => manager.streams.delete(Stranger.deadStream)
  }
]

describe.each(servers)("on $name", ({ bin }) => {
  it.live("every message that is no call of its function is a dead letter, and the next one is served", () =>
    Effect.gen(function* () {
      const { fn, stranger } = yield* start({ bin })
      const published = new Map<string, (typeof wrong)[number]>()
      for (const each of wrong) {
        published.set(String(yield* stranger.publish("echo", each.message)), each)
      }
      yield* stranger.publish("echo", good)
      yield* stranger.acked(wrong.length + 1)

      const letters = yield* stranger.deadLetters
      expect(letters).toHaveLength(wrong.length)
      for (const { headers, message, subject } of letters) {
        const sequence = headers["Sluice-Sequence"] ?? ""
        const original = published.get(sequence)
        expect(message).toEqual(Buffer.from(original?.message ?? "never published"))
        expect(subject).toBe("faas-request_dead.echo.openfaas-fn")
        expect(headers, original?.name).toMatchObject({
          "Sluice-Reason": original?.reason,
          "Sluice-Detail": expect.stringMatching(/^the message/),
          "Sluice-Function": "echo.openfaas-fn",
          "Sluice-Attempts": "1",
          "Sluice-Subject": "faas-request.echo.openfaas-fn",
          "Sluice-Stream": "OF_faas-request",
          "Nats-Msg-Id": expect.stringMatching(new RegExp(`^dead-[0-9a-z]+-${sequence}$`))
        })
        published.delete(sequence)
      }
      expect(fn.requests.map(({ body }) => body.toString())).toEqual(["good"])
      yield* stranger.allFinished
    })
  )

  it.live.each(refusals)(
    "while the stream of dead letters $name, calls are kept, none is executed again, and nothing is lost",
    ({ config, complaint, repair }) =>
      Effect.gen(function* () {
        const { fn, receiver, stranger, worker } = yield* start({ bin }, { max_retry_attempts: "0" })
        yield* Effect.promise(() => stranger.manager.streams.add({ name: Stranger.deadStream, ...config }))
        fn.answer((_, response) => void response.writeHead(500).end())
        const failing = { ...good, CallbackUrl: receiver.url }
        yield* stranger.publish("echo", failing)
        yield* stranger.publish("other", "garbage")
        const complaints = () => worker.log.with("a result cannot be stored, it is kept here until it can")
        yield* eventually("both are kept", () => complaints().length === 2)
        expect(stranger.settlements).toEqual([])
        expect(yield* stranger.unfinished).toBe(2)
        expect(receiver.requests).toEqual([])
        expect(complaints().map(({ fields }) => fields["reason"])).toEqual(
          Array(2).fill(expect.stringMatching(complaint))
        )

        yield* Effect.promise(() => repair(stranger.manager))
        yield* stranger.acked(2)
        expect(fn.requests).toHaveLength(1)
        const letters = yield* stranger.deadLetters
        expect(letters.map(({ message }) => message.toString()).sort()).toEqual(
          ["garbage", JSON.stringify(failing)].sort()
        )
        yield* receiver.received(1)
        yield* stranger.allFinished
      })
  )

  it.live("a dead letter whose call is delivered once more is not stored twice", () =>
    Effect.gen(function* () {
      const { fn, receiver, stranger, startAnotherWorker } = yield* start(
        { bin },
        { max_retry_attempts: "0" }
      )
      const gate = new Gate()
      fn.answer((_, response) => gate.pass().then(() => void response.writeHead(500).end()))
      yield* stranger.publish("echo", { ...good, CallbackUrl: receiver.url })
      yield* fn.received(1)
      // As after a worker that died between storing the dead letter and settling the call.
      yield* stranger.forgetConsumers
      yield* startAnotherWorker
      yield* fn.received(2)
      gate.open()
      yield* receiver.received(1)
      yield* stranger.acked(2)
      yield* stranger.allFinished
      expect(yield* stranger.deadLetters).toHaveLength(1)
    })
  )

  it.live("the stream of dead letters is made again when somebody deletes it", () =>
    Effect.gen(function* () {
      const { stranger } = yield* start({ bin })
      yield* stranger.publish("echo", "first")
      yield* stranger.acked(1)
      yield* Effect.promise(() => stranger.manager.streams.delete(Stranger.deadStream))
      yield* stranger.publish("echo", "second")
      yield* stranger.acked(2)
      expect((yield* stranger.deadLetters).map(({ message }) => message.toString())).toEqual(["second"])
    })
  )

  it.live("a call too large to be a dead letter stays in the queue, and the next one is served", () =>
    Effect.gen(function* () {
      const { fn, stranger, worker } = yield* start({ bin, config: "max_payload: 64KB" })
      yield* stranger.publish("echo", "x".repeat(64 * 1024))
      yield* stranger.givenBack(1)
      yield* stranger.publish("echo", good)
      yield* stranger.acked(1)
      expect(fn.requests.map(({ body }) => body.toString())).toEqual(["good"])
      expect(yield* stranger.deadLetters).toEqual([])
      yield* eventually(
        "only the large one is left",
        Effect.map(stranger.unfinished, (count) => count === 1)
      )
      const [complaint] = worker.log.with("a call could not be settled, it stays in the queue")
      expect(complaint?.fields["reason"]).toMatch(
        /^OF_faas-request_dead has no room for 65536 bytes.*raise max_payload/
      )
      expect(worker.log.with("NATS disconnect")).toEqual([])
    })
  )
})
