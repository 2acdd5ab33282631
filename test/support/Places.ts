import type { ServerResponse } from "node:http"
import { Effect } from "effect"
import { ArrivalCounter } from "./ArrivalCounter.ts"
import { Gate } from "./Gate.ts"
import * as HttpFunction from "./HttpFunction.ts"

/** How a function says that it has no room. */
export interface Refusal {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

const tooMany: Refusal = { status: 429 }

/**
 * A function with so many places. It holds the calls it takes until its gate lets them go, and refuses those that
 * find no place free.
 */
export const start = Effect.fnUntraced(function* (
  places: number,
  options: {
    readonly refusal?: Refusal
    readonly finish?: (response: ServerResponse) => void
  } = {}
) {
  const { refusal = tooMany, finish = (response) => void response.end() } = options
  const gate = new Gate()
  const arrivals = { taken: new ArrivalCounter(), refused: new ArrivalCounter(), done: new ArrivalCounter() }
  const taken: Array<string> = []
  const refused: Array<string> = []
  let free = places
  const server = yield* HttpFunction.start({
    answer: async (request, response) => {
      const id = request.header("X-Call-Id") ?? ""
      if (free <= 0) {
        refused.push(id)
        arrivals.refused.add()
        return void response.writeHead(refusal.status, refusal.headers).end()
      }
      free--
      taken.push(id)
      arrivals.taken.add()
      await gate.pass()
      free++
      finish(response)
      arrivals.done.add()
    }
  })
  return {
    server,
    gate,
    /** ids of the calls it took, in the order they came */
    taken,
    /** ids of the calls it had no place for, in the order they came */
    refused,
    /** Calls it holds now. */
    held: () => places - free,
    /** It has so many places from now on; calls that are there are finished. */
    resize: (count: number) => {
      free += count - places
      places = count
    },
    /** Waits until it has taken so many since the start. */
    hasTaken: (count: number) => arrivals.taken.atLeast(count),
    /** Waits until it has refused so many since the start. */
    hasRefused: (count: number) => arrivals.refused.atLeast(count),
    /** Waits until it has finished so many since the start. */
    hasDone: (count: number) => arrivals.done.atLeast(count)
  }
})
