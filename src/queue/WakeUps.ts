import { Context, Effect, Layer, type Scope } from "effect"
import { Nats } from "./Nats.ts"
import { QueueStream } from "./QueueStream.ts"
import * as Topic from "./Topic.ts"

/**
 * A hint over core NATS that a lane has got work, so that an idle one starts at once instead of at
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
      const coalescer = yield* Effect.acquireRelease(
        Effect.sync(() => makeCoalescer((subject) => connection.publish(topic, subject))),
        ({ close }) => Effect.sync(close)
      )
      return WakeUps.of({
        send: coalescer.send,
        listen: (callback) => Topic.listen(connection, topic, callback)
      })
    })
  )
}

const WINDOW_MILLIS = 10

/**
 * Lets the first of a burst pass at once and one more at the end of each window in which others came: the
 * last call of a burst is always followed by a wake-up, and a burst costs a hundred a second at most.
 */
const makeCoalescer = (publish: (subject: string) => void) => {
  const open = new Map<string, { more: boolean; readonly end: NodeJS.Timeout }>()
  const startWindow = (subject: string) => {
    const end = setTimeout(() => {
      const more = open.get(subject)?.more
      open.delete(subject)
      if (more !== true) return
      publish(subject)
      startWindow(subject)
    }, WINDOW_MILLIS).unref()
    open.set(subject, { more: false, end })
  }
  return {
    send: (subject: string) => {
      const window = open.get(subject)
      if (window !== undefined) {
        window.more = true
        return
      }
      publish(subject)
      startWindow(subject)
    },
    /** Ends every window now: its timer would publish on a connection that is closed by then. */
    close: () => {
      for (const [subject, { more, end }] of open) {
        clearTimeout(end)
        if (more) publish(subject)
      }
      open.clear()
    }
  }
}
