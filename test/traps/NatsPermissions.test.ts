import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import * as NatsPermissions from "../../src/domain/NatsPermissions.ts"
import { sluice } from "../cli/spawn.ts"
import { ArrivalCounter } from "../support/ArrivalCounter.ts"
import { eventually } from "../support/Eventually.ts"
import * as FunctionsYaml from "../support/FunctionsYaml.ts"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import * as LimitedUser from "../support/LimitedUser.ts"
import * as NatsProxy from "../support/NatsProxy.ts"
import { servers } from "../support/NatsServers.ts"
import { post, spawnProgram, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import * as WireTap from "../support/WireTap.ts"

// Several starts of the program a test, each of which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 90_000 })

const told = "NATS does not let us do what we have to"

const readiness = ({ operationsUrl }: { readonly operationsUrl: string }) =>
  Effect.promise(async () => {
    const response = await fetch(`${operationsUrl}/readyz`)
    return { status: response.status, text: await response.text() }
  })

/** A message that is replayed has room for its id in the largest that a server takes, and none for a dead letter's headers. */
const LARGE_MESSAGE = 1024 * 1024 - 150

describe.each(servers)("on $name", ({ bin }) => {
  it.live("the permissions that are asked for are enough for all that can become of a call", () =>
    Effect.gen(function* () {
      const { limitedUrl, url } = yield* LimitedUser.startAllowed(
        { publish: NatsPermissions.published("faas-request"), subscribe: NatsPermissions.subscribed },
        bin
      )
      const receiver = yield* HttpFunction.start()
      let isBroken = true
      const largeResult = Buffer.alloc(3_000_000, "x")
      const fn = yield* HttpFunction.start({
        answer: (request, response) => {
          const fails = request.url.startsWith("/broken") ? isBroken : fn.requests.length === 1
          response.writeHead(fails ? 500 : 200).end(fails ? "" : largeResult)
        }
      })
      const all = {
        NATS_URL: limitedUrl,
        function_url: `${fn.url}/{name}`,
        max_retry_attempts: "1",
        max_result_bytes: "4000000"
      }
      const gateway = yield* startGateway(all)
      const worker = yield* startWorker(all)
      const stranger = yield* Stranger.meet(url)

      // A retry, and a large result.
      const headers = { "X-Callback-Url": receiver.url }
      expect((yield* post(`${gateway.url}/async-function/large`, { headers })).status).toBe(202)
      const [callback] = yield* receiver.received(1)
      expect(callback?.body.length).toBe(largeResult.length)

      // Dead letters, one of a message that has no room for its headers.
      expect((yield* post(`${gateway.url}/async-function/broken`)).status).toBe(202)
      const call = { Function: "broken", Method: "POST", Body: "" }
      const body = "A".repeat((LARGE_MESSAGE - JSON.stringify(call).length) & ~3)
      yield* stranger.publish("broken", { ...call, Body: body })
      yield* stranger.allFinished
      const letters = yield* stranger.deadLetters
      expect(letters.map(({ message }) => message.length > 0)).toEqual([true, false])
      isBroken = false
      const replayed = yield* Effect.promise(() =>
        sluice(["dead-letter", "replay", "--all"], { NATS_URL: limitedUrl })
      )
      expect(replayed.stderr).toContain("2 replayed")
      yield* fn.received(2 + 2 + 2 + 2)
      yield* stranger.allFinished

      for (const { log } of [gateway, worker]) expect(log.with("NATS does not let")).toEqual([])
    })
  )
})

describe("a worker that may not publish to", () => {
  it.live.each([
    ["$JS.ACK.>", "$JS.ACK.OF_faas-request.>"],
    ["$JS.API.CONSUMER.MSG.NEXT.>", "$JS.API.CONSUMER.MSG.NEXT.OF_faas-request.>"],
    ["$JS.API.CONSUMER.CREATE.>", "$JS.API.CONSUMER.CREATE.OF_faas-request.>"],
    ["$JS.API.CONSUMER.LIST.>", "$JS.API.CONSUMER.LIST.OF_faas-request"],
    ["$KV.>", "$KV.OF_faas-request_attempts.>"],
    ["faas-request_dead.>", "faas-request_dead.>"]
  ] as const)("%s ends when it starts, names it and executes nothing", ([denied, named]) =>
    Effect.gen(function* () {
      const { limitedUrl, url } = yield* LimitedUser.start({ publish: [denied] })
      const fn = yield* HttpFunction.start()
      const gateway = yield* startGateway({ NATS_URL: url, function_url: `${fn.url}/{name}` })
      yield* post(`${gateway.url}/async-function/f`)
      const worker = yield* spawnProgram(["worker"], {
        NATS_URL: limitedUrl,
        function_url: `${fn.url}/{name}`
      })
      expect(yield* worker.exit).toBe(2)
      const last = worker.log.lines.at(-1)?.message
      expect(last).toContain(named)
      expect(last).toContain("has to be allowed to publish to")
      expect(fn.requests).toEqual([])
    })
  )
})

/** How often the server says no to a worker whose permissions change, and calls that are held until the gate opens. */
const startChanging = Effect.fnUntraced(function* () {
  const nats = yield* LimitedUser.startChanging()
  const gate = new Gate()
  const fn = yield* HttpFunction.start({
    answer: (_, response) => gate.pass().then(() => void response.end())
  })
  const all = { function_url: `${fn.url}/{name}`, ack_wait: "1s" }
  const gateway = yield* startGateway({ ...all, NATS_URL: nats.url })
  const refused = new ArrivalCounter()
  const tap = yield* WireTap.start(nats.port, ({ verb }) => {
    if (verb === "-ERR") refused.add()
  })
  const worker = yield* startWorker({ ...all, NATS_URL: nats.limited(tap.url) })
  const stranger = yield* Stranger.meet(nats.url)
  const call = (name: string) => post(`${gateway.url}/async-function/${name}`)
  return { nats, refused, gate, fn, worker, stranger, call }
})

it.live("a worker that may not acknowledge any more asks for no calls until it may", () =>
  Effect.gen(function* () {
    const { call, fn, gate, nats, refused, stranger, worker } = yield* startChanging()
    yield* call("f")
    yield* fn.received(1)
    yield* nats.deny("$JS.ACK.>")
    gate.open()
    const line = yield* worker.log.line(told)
    expect(line.fields).toMatchObject({
      subject: "$JS.ACK.OF_faas-request.>",
      reason: expect.stringContaining("has to be allowed to publish to")
    })
    const { status, text } = yield* readiness(worker)
    expect(status).toBe(503)
    expect(text).toContain("Permissions Violation for Publish to")

    for (const name of ["f", "g", "h"]) yield* call(name)
    // It has looked whether it may, seconds later.
    yield* refused.atLeast(refused.count + 2)
    expect(fn.requests).toHaveLength(1)
    expect(worker.log.with(told)).toHaveLength(1)

    yield* nats.deny()
    yield* stranger.allFinished
    expect(fn.requests.map(({ url }) => url).sort()).toEqual(["/f/", "/f/", "/f/", "/g/", "/h/"])
    expect(yield* stranger.deadLetters).toEqual([])
    expect(yield* readiness(worker)).toMatchObject({ status: 200 })
  })
)

it.live(
  "a worker that may not ask for calls, or not make consumers, says so once and goes on when it may",
  () =>
    Effect.gen(function* () {
      const { call, fn, gate, nats, stranger, worker } = yield* startChanging()
      gate.open()
      yield* call("f")
      yield* stranger.allFinished
      for (const [question, name] of [
        ["MSG.NEXT", "f"],
        ["CREATE", "g"]
      ] as const) {
        yield* nats.deny(`$JS.API.CONSUMER.${question}.>`)
        yield* call(name)
        yield* eventually("it says so", () =>
          worker.log.with(told).some(({ fields }) => String(fields["subject"]).includes(question))
        )
        expect(yield* readiness(worker)).toMatchObject({ status: 503 })
        yield* nats.deny()
        yield* stranger.allFinished
      }
      expect(fn.requests.map(({ url }) => url)).toEqual(["/f/", "/f/", "/g/"])
      expect(worker.log.with(told)).toHaveLength(2)
      expect(worker.log.with("an actor has died")).toEqual([])
      expect(worker.log.with("the server does not let us have calls")).toHaveLength(1)
    })
)

it.live("a worker that comes back to a server that lets it acknowledge no more executes nothing", () =>
  Effect.gen(function* () {
    const nats = yield* LimitedUser.startChanging()
    const looks = new ArrivalCounter()
    const tap = yield* WireTap.start(nats.port, ({ verb }) => {
      if (verb === "-ERR") looks.add()
    })
    const proxy = yield* NatsProxy.start(Number(new URL(tap.url).port))
    const fn = yield* HttpFunction.start()
    const all = { function_url: `${fn.url}/{name}` }
    const worker = yield* startWorker({ ...all, NATS_URL: nats.limited(proxy.url) })
    const gateway = yield* startGateway({ ...all, NATS_URL: nats.url })
    const stranger = yield* Stranger.meet(nats.url)

    yield* nats.deny("$JS.ACK.>")
    yield* proxy.cut
    yield* worker.log.line(told)
    yield* post(`${gateway.url}/async-function/f`)
    // It looks again twice, and may not.
    yield* looks.atLeast(looks.count + 2)
    expect(fn.requests).toEqual([])
    yield* nats.deny()
    yield* proxy.cut
    yield* stranger.allFinished
    expect(fn.requests).toHaveLength(1)
    expect(yield* readiness(worker)).toMatchObject({ status: 200 })
  })
)

it.live(
  "calls that the ledger may not be written for wait for it, and the log says once what is missing",
  () =>
    Effect.gen(function* () {
      const { call, fn, nats, stranger, worker } = yield* startChanging()
      yield* nats.deny("$KV.>")
      fn.answer((request, response) => {
        const isFirst = fn.requests.filter(({ url }) => url === request.url).length === 1
        response.writeHead(isFirst ? 500 : 200).end()
      })
      for (const name of ["f", "g"]) yield* call(name)
      yield* fn.ended(1)
      const silent = "the ledger of attempts does not answer"
      const line = yield* worker.log.line(silent)
      expect(line.fields["reason"]).toContain("has to be allowed to publish to")
      yield* nats.deny()
      yield* stranger.allFinished
      expect(fn.requests).toHaveLength(4)
      expect(worker.log.with(silent)).toHaveLength(1)
      expect(yield* stranger.deadLetters).toEqual([])
    })
)

it.live("a gateway that may not publish says that nothing was stored, and logs it once", () =>
  Effect.gen(function* () {
    const { limitedUrl } = yield* LimitedUser.start({ publish: ["faas-request.>"] })
    const gateway = yield* startGateway({ NATS_URL: limitedUrl })
    for (const name of ["f", "g"]) {
      const { body, status } = yield* post(`${gateway.url}/async-function/${name}`)
      expect(status).toBe(503)
      const { detail } = JSON.parse(body)
      expect(detail).toContain(`Permissions Violation for Publish to "faas-request.${name}.openfaas-fn"`)
      expect(detail).toContain("has to be allowed to publish to")
      expect(detail).toContain("The call was not stored")
    }
    yield* gateway.log.line(told)
    expect(gateway.log.troubles.map(({ message }) => message)).toEqual([told])
    expect(yield* readiness(gateway)).toMatchObject({ status: 503 })
  })
)

it.live("a gateway that may not publish to the queue of somebody else's function is ready all the same", () =>
  Effect.gen(function* () {
    const { limitedUrl } = yield* LimitedUser.start({ publish: ["$JS.API.STREAM.INFO.OF_other"] })
    const fn = yield* HttpFunction.start()
    const annotations = { "com.openfaas.queue": "other" }
    const { path } = yield* FunctionsYaml.write([{ name: "f", url: fn.url, annotations }])
    const gateway = yield* startGateway({
      NATS_URL: limitedUrl,
      functions_file: path
    })
    expect((yield* post(`${gateway.url}/async-function/f`)).status).toBe(503)
    yield* gateway.log.line(told)
    expect(yield* readiness(gateway)).toMatchObject({ status: 200 })
  })
)
