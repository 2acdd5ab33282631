import { Clock, Duration, Effect, FiberSet } from "effect"
import type { CallSource, PullHandlers } from "../../src/queue/CallSource.ts"
import type { Delivery } from "../../src/queue/Delivery.ts"

interface Stored {
  readonly id: string
  readonly sequence: number
  deliveries: number
}

const streamCreated = "2026-11-20T00:00:00Z"

/** The calls of one function, in memory: a call that is given back is delivered before newer ones. */
export class ListedCalls {
  readonly #waiting: Array<Stored>
  readonly #fn: string
  readonly #now: () => number
  /** Ids, in the order in which they were acknowledged. */
  readonly done: Array<string> = []
  /** How many calls each request asked for. */
  readonly asks: Array<number> = []
  deliveries = 0
  /** A request is answered later than it is made; by so much on the test's clock, milliseconds. */
  answerMillis = 0
  /** Deliveries that are neither acknowledged nor given back. */
  unsettled = 0
  #unfinished: number

  constructor(fn: string, count: number, now: () => number) {
    this.#fn = fn
    this.#now = now
    this.#waiting = Array.from({ length: count }, (_, index) => ({
      id: `call-${index}`,
      sequence: index + 1,
      deliveries: 0
    }))
    this.#unfinished = count
  }

  /** The delays of retries are not kept: what is given back waits at once. */
  open(handlers: PullHandlers) {
    return Effect.map(FiberSet.makeRuntime<never, void>(), (run): CallSource => ({
      ask: (count) => {
        this.asks.push(count)
        run(
          Effect.andThen(
            this.#answerTime,
            Effect.sync(() => this.#answer(count, handlers))
          )
        )
      },
      prepare: Effect.void,
      unfinished: Effect.sync(() => this.#unfinished)
    }))
  }

  readonly #answerTime = Effect.suspend(() =>
    this.answerMillis === 0
      ? Effect.yieldNow
      : Clock.clockWith((clock) => clock.sleep(Duration.millis(this.answerMillis)))
  )

  get waiting(): number {
    return this.#waiting.length
  }

  #answer(count: number, handlers: PullHandlers): void {
    for (let left = count; left > 0; left--) {
      const stored = this.#waiting.shift()
      if (stored === undefined) break
      stored.deliveries++
      this.deliveries++
      this.unsettled++
      handlers.delivered(this.#delivery(stored))
    }
    handlers.ended("empty")
  }

  #delivery(stored: Stored): Delivery {
    let settled = false
    const settle = (act: () => void) => {
      if (settled) return
      settled = true
      this.unsettled--
      act()
    }
    return {
      deliveryCount: stored.deliveries,
      streamSequence: stored.sequence,
      acceptedMillis: this.#now(),
      pending: this.#waiting.length,
      subject: `faas-request.${this.#fn}.openfaas-fn`,
      streamCreated,
      consumer: "listed",
      replyTo: "",
      settled: () => settled,
      renewal: undefined,
      movedWith: undefined,
      data: Buffer.from(
        JSON.stringify({ Function: this.#fn, Method: "POST", Header: { "X-Call-Id": [stored.id] } })
      ),
      ack: (heard) =>
        settle(() => {
          this.#unfinished--
          this.done.push(stored.id)
          heard?.(true)
        }),
      nak: () => settle(() => void this.#waiting.unshift(stored)),
      working: () => {}
    }
  }
}
