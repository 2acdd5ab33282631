import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { vi } from "vitest"
import { Gate } from "../support/Gate.ts"
import * as HttpFunction from "../support/HttpFunction.ts"
import { servers, startNats } from "../support/NatsServers.ts"
import { spawnProgram, startGateway } from "../support/Sluice.ts"
import * as Stranger from "../support/Stranger.ts"

// Processes are slow to start where many others run.
vi.setConfig({ testTimeout: 120_000 })

const innocents = ["one", "two", "three", "four"]

describe.each(servers)("on $name", ({ bin }) => {
  it.live("a call that kills its worker is given up after three, and takes no other call with it", () =>
    Effect.gen(function* () {
      const nats = yield* startNats({ bin })
      const gate = new Gate()
      const receiver = yield* HttpFunction.start()
      const poisoned = Promise.withResolvers<void>()
      let worker: Effect.Success<ReturnType<typeof spawnProgram>> | undefined
      let kills = 0
      const fn = yield* HttpFunction.start({
        answer: async (request, response) => {
          if (request.url === "/victim/") {
            // The first time all are in flight when the worker dies; later ones would not end otherwise.
            await gate.pass()
            return void response.end()
          }
          kills++
          await poisoned.promise
          process.kill(worker?.pid ?? 0, "SIGKILL")
        }
      })
      const environment = {
        NATS_URL: nats.url,
        function_url: `${fn.url}/{name}`,
        ack_wait: "2s"
      }
      yield* startGateway(environment)
      const stranger = yield* Stranger.meet(nats.url)
      for (const id of innocents) {
        yield* stranger.publish("victim", {
          Function: "victim",
          Method: "POST",
          Header: { "X-Call-Id": [id] }
        })
      }
      yield* stranger.publish("poison", {
        Function: "poison",
        Method: "POST",
        Header: { "X-Call-Id": ["poison"] },
        CallbackUrl: receiver.url
      })

      worker = yield* spawnProgram(["worker"], environment)
      yield* fn.received(innocents.length + 1)
      poisoned.resolve()
      for (let n = 0; n < 3; n++) {
        expect(yield* worker.exit).toBe(null)
        if (n === 0) gate.open()
        worker = yield* spawnProgram(["worker"], environment)
      }
      yield* receiver.received(1)
      yield* stranger.allFinished

      expect(kills).toBe(3)
      expect(receiver.requests.map((request) => request.header("X-Function-Status"))).toEqual(["500"])
      const letters = yield* stranger.deadLetters
      expect(letters.map(({ headers }) => [headers["Sluice-Call-Id"], headers["Sluice-Reason"]])).toEqual([
        ["poison", "unfinished"]
      ])
      expect(letters[0]?.headers["Sluice-Attempts"]).toBe("0")
      for (const id of innocents) {
        const tries = fn.requests.filter((request) => request.header("X-Call-Id") === id)
        expect(tries.at(-1)?.answered).toBe(true)
        expect(tries.filter(({ answered }) => !answered).length).toBeLessThanOrEqual(1)
      }
    })
  )
})
