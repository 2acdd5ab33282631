import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Gossip } from "../../src/queue/Gossip.ts"
import { eventually } from "../support/Eventually.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import * as Places from "../support/Places.ts"
import { type Environment, startGateway, startWorker } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"
import * as WorkerOfParts from "../support/WorkerOfParts.ts"

const total = 60

/** A queue with calls of a function, and no worker. */
const prepare = Effect.fnUntraced(function* (bin?: string, more: Environment = {}) {
  const nats = yield* startNats({ bin })
  const environment = (url: string): Environment => ({
    NATS_URL: nats.url,
    function_url: `${url}/{name}`,
    limiter_enabled: "true",
    ...more
  })
  // It makes the stream.
  yield* startGateway(environment("http://127.0.0.1:1"))
  const stranger = yield* Stranger.meet(nats.url)
  const ids = Array.from({ length: total }, (_, index) => `call-${index}`)
  const publishAll = Effect.forEach(
    ids,
    (id) => stranger.publish("shared", { Function: "shared", Method: "POST", Header: { "X-Call-Id": [id] } }),
    { discard: true }
  )
  yield* publishAll
  return { environment, stranger, ids }
})

type Service = Gossip["Service"]

describe.each(servers)("two workers share a function with few places, on $name", ({ bin }) => {
  it.live("each hears of the other, and every call is executed once", () =>
    Effect.gen(function* () {
      const fn = yield* Places.start(4)
      const { environment, ids, stranger } = yield* prepare(bin)
      const heard: ReadonlyArray<Set<string>> = [new Set(), new Set()]
      const workers = heard.map((names) =>
        WorkerOfParts.startWorker(environment(fn.server.url), {
          gossip: (real): Service => ({
            ...real,
            listen: (fn, listener) =>
              real.listen(fn, (news) => {
                names.add(news.worker)
                listener(news)
              })
          })
        })
      )
      yield* Effect.all(workers)
      yield* fn.hasTaken(4)
      yield* eventually("both have heard", () => heard.every(({ size }) => size === 1))
      expect(heard[0]).not.toEqual(heard[1])

      fn.gate.open()
      yield* fn.hasDone(total)
      yield* stranger.allFinished
      expect(fn.taken.toSorted()).toEqual(ids.toSorted())
    })
  )

  it.live("nothing depends on what they say: when all of it is lost every call is executed once", () =>
    Effect.gen(function* () {
      const fn = yield* Places.start(4)
      const { environment, ids, stranger } = yield* prepare(bin)
      let lost = 0
      const deaf = WorkerOfParts.startWorker(environment(fn.server.url), {
        gossip: (real): Service => ({ ...real, tell: () => void lost++ })
      })
      yield* Effect.all([deaf, deaf])
      yield* fn.hasTaken(4)
      yield* eventually("something is lost", () => lost > 1)
      fn.gate.open()
      yield* fn.hasDone(total)
      yield* stranger.allFinished
      expect(fn.taken.toSorted()).toEqual(ids.toSorted())
    })
  )

  it.live("calls that one has no room for go back when another serves the function", () =>
    Effect.gen(function* () {
      const [full, roomy] = [yield* Places.start(0), yield* Places.start(2)]
      const { environment, ids, stranger } = yield* prepare(bin, { ack_wait: "1s" })
      const first = yield* startWorker(environment(full.server.url))
      yield* full.hasRefused(1)
      yield* startWorker(environment(roomy.server.url))
      yield* roomy.hasTaken(2)
      yield* roomy.hasRefused(1)

      const { level, fields } = yield* first.log.line("calls go back to the queue for other workers")
      expect(level).toBe("Info")
      expect(fields["function"]).toBe("shared.openfaas-fn")
      expect(fields["calls"]).toBeGreaterThan(0)
      const settlements = yield* stranger.givenBack(Number(fields["calls"]))
      expect(settlements.every(({ kind, delayMillis }) => kind === "nak" && delayMillis === undefined)).toBe(
        true
      )

      full.resize(2)
      full.gate.open()
      roomy.gate.open()
      yield* stranger.allFinished
      expect([...full.taken, ...roomy.taken].toSorted()).toEqual(ids.toSorted())
      expect(yield* stranger.deadLetters).toEqual([])
    })
  )
})
