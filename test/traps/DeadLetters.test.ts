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
        expect(subject).toBe(`faas-request_dead.echo.openfaas-fn.${headers["Nats-Msg-Id"]}`)
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
        const { streams } = stranger.manager
        yield* Effect.promise(() => streams.delete(Stranger.deadStream))
        yield* Effect.promise(() => streams.add({ name: Stranger.deadStream, ...config }))
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

  it.live("a call without room for the headers of a dead letter is kept in parts, and settled", () =>
    Effect.gen(function* () {
      const { fn, stranger, worker } = yield* start({ bin, config: "max_payload: 64KB" })
      const large = "x".repeat(64 * 1024)
      yield* stranger.publish("echo", large)
      yield* stranger.publish("echo", good)
      yield* stranger.acked(2)
      expect(fn.requests.map(({ body }) => body.toString())).toEqual(["good"])
      const [letter] = yield* stranger.deadLetters
      expect(letter?.message).toHaveLength(0)
      expect(letter?.headers).toMatchObject({
        "Sluice-Reason": "undecodable",
        "Sluice-Message-Object": letter?.headers["Nats-Msg-Id"],
        "Sluice-Message-Bytes": "65536"
      })
      const { state } = yield* Effect.promise(() =>
        stranger.manager.streams.info("OBJ_OF_faas-request_dead_messages")
      )
      expect(state.bytes).toBeGreaterThan(large.length)
      expect(worker.log.with("NATS disconnect")).toEqual([])
      yield* stranger.allFinished
    })
  )

  it.live(
    "a dead letter has the beginning of the last answer, whether or not somebody wants the answer",
    () =>
      Effect.gen(function* () {
        const { fn, receiver, stranger } = yield* start({ bin }, { max_retry_attempts: "0" })
        const answer = Buffer.from("no room for örjan ".repeat(1_000))
        fn.answer((_, response) => void response.writeHead(500).end(answer))
        yield* stranger.publish("echo", good)
        yield* stranger.publish("echo", { ...good, CallbackUrl: receiver.url })
        yield* stranger.acked(2)
        const letters = yield* stranger.deadLetters
        expect(letters).toHaveLength(2)
        for (const { headers } of letters) {
          expect(headers["Sluice-Answer-Bytes"]).toBe(String(answer.length))
          expect(Buffer.from(headers["Sluice-Answer"] ?? "", "base64")).toEqual(answer.subarray(0, 1024))
        }
      })
  )

  it.live("a dead letter has what came of an answer that broke off", () =>
    Effect.gen(function* () {
      const { fn, stranger } = yield* start({ bin }, { max_retry_attempts: "0" })
      fn.answer((_, response) => {
        response.writeHead(200, { "Content-Length": 100 })
        response.write("half of it", () => response.destroy())
      })
      yield* stranger.publish("echo", good)
      yield* stranger.acked(1)
      const [letter] = yield* stranger.deadLetters
      expect(Buffer.from(letter?.headers["Sluice-Answer"] ?? "", "base64").toString()).toBe("half of it")
    })
  )

  it.live("the limits of dead letters are those of the settings, also when they change", () =>
    Effect.gen(function* () {
      const { url } = yield* startNats({ bin })
      const stranger = yield* Stranger.meet(url)
      const limits = Effect.promise(async () => {
        const { config } = await stranger.manager.streams.info(Stranger.deadStream)
        return { max_age: config.max_age / 1e9, max_bytes: config.max_bytes }
      })
      const first = yield* startWorker({ NATS_URL: url })
      yield* stranger.publish("echo", "garbage")
      yield* stranger.acked(1)
      expect(yield* limits).toEqual({ max_age: 30 * 86_400, max_bytes: 256 * 1024 ** 2 })
      yield* first.stop
      const changed = { dead_letter_max_age: "2h", dead_letter_max_bytes: "1000000" }
      const { log } = yield* startWorker({ NATS_URL: url, ...changed })
      expect(yield* limits).toEqual({ max_age: 7200, max_bytes: 1_000_000 })
      expect(log.with("stream updated")).toHaveLength(1)
      expect(yield* stranger.deadLetters).toHaveLength(1)
    })
  )
})
