import { Clock, Context, Effect, Layer, Semaphore } from "effect"
import * as FunctionName from "../domain/FunctionName.ts"
import type { SubjectTemplate } from "../domain/SubjectTemplate.ts"
import { Nats } from "./Nats.ts"
import { QueueStream } from "./QueueStream.ts"

/**
 * The unfinished calls of single functions, as those who publish have to know them. JetStream is asked at most
 * every `FRESH_MILLIS`; in between, what is published here is added and what is finished is not seen. So a
 * limit is kept exactly, but for what other gateways publish meanwhile.
 */
export class WaitingCalls extends Context.Service<
  WaitingCalls,
  {
    /** Counts one more, unless the function has `limit` already; false then. True when JetStream cannot be asked. */
    readonly addBelow: (limit: number, fn: FunctionName.FunctionName) => Effect.Effect<boolean>
  }
>()("sluice/queue/WaitingCalls") {
  static readonly layer = (options: { readonly subjects: SubjectTemplate }) =>
    Layer.effect(
      WaitingCalls,
      Effect.gen(function* () {
        const { manager, request } = yield* Nats
        const stream = yield* QueueStream
        const clock = yield* Clock.Clock
        const counts = new Map<string, Count>()

        const ask = (subject: string) =>
          request(() => manager.streams.info(stream.name, { subjects_filter: subject })).pipe(
            Effect.map((info) => info.state.subjects?.[subject] ?? 0),
            Effect.orElseSucceed(() => 0)
          )

        const countOf = (key: string): Count => {
          const known = counts.get(key)
          if (known !== undefined) return known
          if (counts.size >= MOST_KNOWN) counts.clear()
          const unknown = { askedAt: Number.NEGATIVE_INFINITY, unfinished: 0, alone: Semaphore.makeUnsafe(1) }
          counts.set(key, unknown)
          return unknown
        }

        return WaitingCalls.of({
          addBelow: (limit, fn) => {
            const count = countOf(FunctionName.key(fn))
            return Effect.gen(function* () {
              const now = clock.currentTimeMillisUnsafe()
              if (now - count.askedAt >= FRESH_MILLIS) {
                count.askedAt = now
                count.unfinished = yield* ask(options.subjects.subject(fn))
              }
              if (count.unfinished >= limit) return false
              count.unfinished++
              return true
            }).pipe(count.alone.withPermits(1))
          }
        })
      })
    )
}

interface Count {
  /** milliseconds */
  askedAt: number
  unfinished: number
  /** those who come while JetStream is asked wait for its answer */
  readonly alone: Semaphore.Semaphore
}

const FRESH_MILLIS = 250
const MOST_KNOWN = 10_000
