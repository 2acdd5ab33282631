import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { type Environment, spawnProgram, startGateway } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

// Processes are slow to start where many others run.
vi.setConfig({ testTimeout: 90_000 })

const total = 60

/**
 * Sixty calls of a function that holds them, and two worker processes in the middle of them: twenty calls are
 * done, five run in each.
 */
const prepare = Effect.fnUntraced(function* (bin: string, more: Environment = {}) {
  const nats = yield* startNats({ bin })
  const gate = new Gate()
  const fn = yield* HttpFunction.start({
    answer: (_, response) => gate.pass().then(() => void response.end())
  })
  const environment = {
    NATS_URL: nats.url,
    function_url: `${fn.url}/{name}`,
    max_inflight: "5",
    ...more
  }
  yield* startGateway(environment)
  const stranger = yield* Stranger.meet(nats.url)
  const ids = Array.from({ length: total }, (_, index) => `call-${index}`)
  yield* Effect.forEach(
    ids,
    (id) => stranger.publish("shared", { Function: "shared", Method: "POST", Header: { "X-Call-Id": [id] } }),
    { concurrency: 50, discard: true }
  )
  const first = yield* spawnProgram(["worker"], environment)
  const second = yield* spawnProgram(["worker"], environment)
  for (let arrived = 10; arrived < 30; arrived++) {
    yield* fn.received(arrived)
    gate.release(1)
  }
  yield* fn.received(30)
  return { gate, fn, stranger, ids, first, second }
})

const idsOf = (requests: ReadonlyArray<HttpFunction.ReceivedRequest>) =>
  requests.map((request) => request.header("X-Call-Id") ?? "").toSorted()

describe.each(servers)("two workers share a function, on $name", ({ bin }) => {
  it.live(
    "one is stopped by SIGTERM in the middle: nothing is lost or executed twice, and it exits with 0",
    () =>
      Effect.gen(function* () {
        const { gate, fn, stranger, ids, first, second } = yield* prepare(bin)
        yield* first.signal("SIGTERM")
        gate.open()
        expect(yield* first.exit).toBe(0)
        yield* fn.ended(total)
        yield* stranger.allFinished
        expect(idsOf(fn.requests)).toEqual(ids.toSorted())
        expect(fn.requests.every(({ answered }) => answered)).toBe(true)
        expect(yield* second.end("SIGTERM")).toBe(0)
      })
  )

  it.live("one is killed: nothing is lost, and only what was running there is executed again", () =>
    Effect.gen(function* () {
      const { gate, fn, stranger, ids, first } = yield* prepare(bin, { ack_wait: "3s" })
      // What it has answered it has also told the server, before it dies.
      yield* stranger.acked(20)
      yield* first.end("SIGKILL")
      yield* fn.ended(25)
      gate.open()
      yield* fn.ended(total + 5)
      yield* stranger.allFinished

      const cut = fn.requests.filter(({ answered }) => !answered)
      expect(cut).toHaveLength(5)
      expect(idsOf(fn.requests.filter(({ answered }) => answered))).toEqual(ids.toSorted())
      expect(idsOf(fn.requests)).toEqual([...ids, ...idsOf(cut)].toSorted())
    })
  )
})
