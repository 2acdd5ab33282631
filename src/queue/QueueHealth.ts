import { Context, Effect, Layer } from "effect"

interface Health {
  readonly ok: boolean
  readonly detail: string
}

/**
 * Whether the parts of the queue can be used now. It exists before the connection does, so that a program
 * that still waits for NATS can say so.
 */
export class QueueHealth extends Context.Service<
  QueueHealth,
  {
    /** What is known of a part. */
    readonly report: (part: string, health: Health) => void
    /** From now on, how to find out about a part. */
    readonly check: (part: string, check: Effect.Effect<Health>) => void
    readonly all: Effect.Effect<ReadonlyArray<Health & { readonly name: string }>>
  }
>()("sluice/queue/QueueHealth") {
  static readonly layer = Layer.sync(QueueHealth, () => {
    const checks = new Map<string, Effect.Effect<Health>>()
    return QueueHealth.of({
      report: (part, health) => checks.set(part, Effect.succeed(health)),
      check: (part, check) => checks.set(part, check),
      all: Effect.suspend(() =>
        Effect.forEach(checks, ([name, check]) => Effect.map(check, (health) => ({ name, ...health })), {
          concurrency: "unbounded"
        })
      )
    })
  })
}
