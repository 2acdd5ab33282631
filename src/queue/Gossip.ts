import { randomUUID } from "node:crypto"
import { Context, Effect, Layer, Option, Schema, type Scope } from "effect"
import * as FunctionName from "../domain/FunctionName.ts"
import type { News } from "../domain/limiter/Limiter.ts"
import { Nats } from "./Nats.ts"
import { QueueStream } from "./QueueStream.ts"
import * as Topic from "./Topic.ts"

/**
 * What the workers of a queue tell each other over core NATS about the functions they serve. Nothing depends on
 * it: a message may be lost, and what is no message of ours is not heard.
 */
export class Gossip extends Context.Service<
  Gossip,
  {
    /** Tells the other workers. */
    readonly tell: (fn: FunctionName.FunctionName, news: Omit<News, "worker">) => void
    /** Hears what other workers say about the function. */
    readonly listen: (
      fn: FunctionName.FunctionName,
      heard: (news: News) => void
    ) => Effect.Effect<void, never, Scope.Scope>
  }
>()("sluice/queue/Gossip") {
  static readonly layer = Layer.effect(
    Gossip,
    Effect.gen(function* () {
      const { connection } = yield* Nats
      const { queue } = yield* QueueStream
      const worker = randomUUID()
      // Outside the queue's own subjects: the stream must not store it.
      const topic = `sluice.limits.${queue}`
      const listeners = new Map<string, Set<(news: News) => void>>()

      const hear = (text: string) => {
        if (listeners.size === 0) return
        const message = read(text)
        if (Option.isNone(message)) return
        const { function: key, ...news } = message.value
        if (news.worker !== worker) listeners.get(key)?.forEach((heard) => heard(news))
      }
      yield* Topic.listen(connection, topic, hear)

      const add = (key: string, heard: (news: News) => void) =>
        listeners.set(key, (listeners.get(key) ?? new Set()).add(heard))
      const remove = (key: string, heard: (news: News) => void) => {
        const others = listeners.get(key)
        others?.delete(heard)
        if (others?.size === 0) listeners.delete(key)
      }
      return Gossip.of({
        tell: (fn, news) =>
          connection.publish(topic, JSON.stringify({ function: FunctionName.key(fn), worker, ...news })),
        listen: (fn, heard) => {
          const key = FunctionName.key(fn)
          return Effect.asVoid(
            Effect.acquireRelease(
              Effect.sync(() => add(key, heard)),
              () => Effect.sync(() => remove(key, heard))
            )
          )
        }
      })
    })
  )
}

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** Every field of the news: what this does not name would not be heard. */
const news: { readonly [Field in keyof News]-?: Schema.Codec<News[Field]> } = {
  worker: Schema.NonEmptyString,
  holds: Count,
  gives: Count,
  wants: Schema.Boolean,
  finds: Count,
  turn: Schema.Finite
}

const read = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ function: Schema.String, ...news }))
)
