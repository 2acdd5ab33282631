import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Duration, Effect } from "effect"

const INTERVAL = Duration.millis(200)
const stream = "OF_faas-request"

/** Looks at the queue of a run, on a connection of its own, until the scope closes. */
export const watch = Effect.fnUntraced(function* (url: string) {
  const connection = yield* Effect.acquireRelease(
    Effect.promise(() => connect({ servers: url })),
    (connection) => Effect.promise(() => connection.close())
  )
  const manager = yield* Effect.promise(() => jetstreamManager(connection))
  const unfinished = Effect.promise(async () => (await manager.streams.info(stream)).state.messages)
  /** [milliseconds of the wall clock, calls stored and not finished] */
  const depth: Array<readonly [number, number]> = []
  const look = Effect.map(unfinished, (calls) => void depth.push([Date.now(), calls]))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(look, Effect.sleep(INTERVAL))))
  return { unfinished, depth }
})
