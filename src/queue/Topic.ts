import type { NatsConnection } from "@nats-io/transport-node"
import { Effect, type Scope } from "effect"

/** Hears what is published on a subject of core NATS, until the scope closes. */
export const listen = (
  connection: NatsConnection,
  subject: string,
  heard: (text: string) => void
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      connection.subscribe(subject, {
        // A subscription that the server refuses comes as an error, with a message that is none.
        callback: (error, message) => (error === null ? heard(message.string()) : undefined)
      })
    ),
    (subscription) => Effect.sync(() => subscription.unsubscribe())
  )
