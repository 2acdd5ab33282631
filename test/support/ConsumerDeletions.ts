import { AckPolicy } from "@nats-io/jetstream"
import { Effect } from "effect"
import { ArrivalCounter } from "./ArrivalCounter.ts"
import type { natsClient } from "./Sluice.ts"

const advisory = "$JS.EVENT.ADVISORY.CONSUMER.DELETED"
const witness = "WITNESS"

/** Hears from the server which consumers it deletes, for whatever reason. */
export const watch = Effect.fnUntraced(function* ({
  connection,
  manager
}: Effect.Success<ReturnType<typeof natsClient>>) {
  const names: Array<string> = []
  const arrivals = new ArrivalCounter()
  connection.subscribe(`${advisory}.>`, {
    callback: (_, message) => {
      names.push(message.subject.split(".").at(-1) ?? "")
      arrivals.add()
    }
  })
  yield* Effect.promise(() => connection.flush())

  /** Waits until the server has deleted a consumer of that name. */
  const deleted = (name: string): Effect.Effect<void> =>
    Effect.suspend(() =>
      names.includes(name) ? Effect.void : Effect.andThen(arrivals.atLeast(names.length + 1), deleted(name))
    )

  return {
    names,
    deleted,
    /**
     * Waits until the server has deleted a consumer that it was told to keep for `millis` and that nobody uses:
     * one with a shorter life that nobody used either would be gone too.
     */
    outlast: Effect.fnUntraced(function* (millis: number) {
      yield* Effect.promise(() => manager.streams.add({ name: witness, subjects: [witness] }))
      const { name } = yield* Effect.promise(() =>
        manager.consumers.add(witness, {
          durable_name: `outlast-${crypto.randomUUID()}`,
          ack_policy: AckPolicy.Explicit,
          inactive_threshold: millis * 1e6
        })
      )
      yield* deleted(name)
    })
  }
})
