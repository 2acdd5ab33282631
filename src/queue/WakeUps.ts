import { Context, Effect, Layer, type Scope } from "effect"
import { Nats } from "./Nats.ts"
import { QueueStream } from "./QueueStream.ts"

/**
 * A hint over core NATS that a function has got work, so that an idle function starts at once instead of at
 * the next discovery. Nothing depends on it: one may be lost or come twice.
 */
export class WakeUps extends Context.Service<
  WakeUps,
  {
    /** Tells the workers of the queue; the subject is the call's. */
    readonly send: (subject: string) => void
    readonly listen: (callback: (subject: string) => void) => Effect.Effect<void, never, Scope.Scope>
  }
>()("sluice/queue/WakeUps") {
  static readonly layer = Layer.effect(
    WakeUps,
    Effect.gen(function* () {
      const { connection } = yield* Nats
      const { queue } = yield* QueueStream
      // Outside the queue's own subjects: the stream must not store it.
      const topic = `sluice.wake.${queue}`
      const gate = makeCoalescer((subject) => connection.publish(topic, subject))
      return WakeUps.of({
        send: gate,
        listen: (callback) =>
          Effect.asVoid(
            Effect.acquireRelease(
              Effect.sync(() =>
                connection.subscribe(topic, { callback: (_, message) => callback(message.string()) })
              ),
              (subscription) => Effect.sync(() => subscription.unsubscribe())
            )
          )
      })
    })
  )
}

const WINDOW_MILLIS = 10

/**
 * Lets the first of a burst pass at once and one more at the end of each window in which others came: the
 * last call of a burst is always followed by a wake-up, and a burst costs a hundred a second at most.
 */
const makeCoalescer = (send: (subject: string) => void) => {
  const open = new Map<string, { more: boolean }>()
  const startWindow = (subject: string) => {
    const window = { more: false }
    open.set(subject, window)
    setTimeout(() => {
      open.delete(subject)
      if (!window.more) return
      send(subject)
      startWindow(subject)
    }, WINDOW_MILLIS).unref()
  }
  return (subject: string) => {
    const window = open.get(subject)
    if (window !== undefined) {
      window.more = true
      return
    }
    send(subject)
    startWindow(subject)
  }
}
