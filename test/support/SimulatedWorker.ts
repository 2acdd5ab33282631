/** One actor under the test's clock: its queue is a list, its function a model, and all between them the product. */
import { Clock, Effect, Layer, Result, type Scope } from "effect"
import type { FunctionName } from "../../src/domain/FunctionName.ts"
import * as FunctionLane from "../../src/domain/FunctionLane.ts"
import type { Limiter } from "../../src/domain/limiter/Limiter.ts"
import * as SubjectTemplate from "../../src/domain/SubjectTemplate.ts"
import { Functions } from "../../src/functions/Functions.ts"
import { CallSources } from "../../src/queue/CallSource.ts"
import { DeadLetters } from "../../src/queue/DeadLetters.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import * as Actor from "../../src/worker/Actor.ts"
import { Callbacks } from "../../src/worker/Callbacks.ts"
import * as FunctionLanes from "../../src/worker/FunctionLanes.ts"
import { GiveBack } from "../../src/worker/GiveBack.ts"
import { Invoker } from "../../src/worker/Invoker.ts"
import { Process } from "../../src/worker/Process.ts"
import { Settlement } from "../../src/worker/Settlement.ts"
import { Slots } from "../../src/worker/Slots.ts"
import { Suspects } from "../../src/worker/Suspects.ts"
import type { FunctionModel } from "./FunctionModel.ts"
import { ListedCalls } from "./ListedCalls.ts"
import * as MemoryLedger from "./MemoryLedger.ts"

interface Options {
  readonly calls: number
  readonly model: FunctionModel
  readonly limiter: (maxLimit: number) => Limiter<unknown>
  readonly maxInflight?: number
  readonly maxRetryAttempts?: number
}

const fn: FunctionName = { name: "simulated", namespace: "openfaas-fn" }
const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", "faas-request"))

/** Starts an actor that has so many calls to do. It runs until its scope closes, as the clock is moved. */
export const start = Effect.fnUntraced(function* (options: Options) {
  const clock = yield* Clock.Clock
  const calls = new ListedCalls(fn.name, options.calls, () => clock.currentTimeMillisUnsafe())
  const slots = new Slots(options.maxInflight ?? 1_000)
  const deadLetters: Array<Readonly<Record<string, string>>> = []

  const queue = Layer.mergeAll(
    Layer.succeed(CallSources, CallSources.of({ open: (_, handlers) => calls.open(handlers) })),
    Layer.succeed(
      QueueStream,
      QueueStream.of({
        queue: "faas-request",
        name: "OF_faas-request",
        created: () => "2026-11-20T00:00:00Z",
        ensure: Effect.void
      })
    ),
    Layer.succeed(
      DeadLetters,
      DeadLetters.of({ store: ({ headers }) => Effect.sync(() => void deadLetters.push(headers)) })
    ),
    Layer.succeed(
      Callbacks,
      Callbacks.of({
        store: () => Effect.void,
        open: () => Effect.succeedNone,
        discard: () => Effect.void
      })
    ),
    Layer.succeed(Invoker, Invoker.of({ invoke: (_, call) => options.model.invoke(call) })),
    Layer.succeed(
      Functions,
      Functions.of({
        find: (name) =>
          Effect.succeed({
            _tag: "Found",
            spec: { name, url: "http://simulated", annotations: {}, labels: {}, environment: {} }
          })
      })
    )
  )
  const processing = Process.layer({
    retryPolicy: {
      maxAttempts: options.maxRetryAttempts ?? 100,
      initialWait: 10_000,
      maxWait: 120_000,
      codes: new Set([500]),
      backoff: "exponential"
    },
    defaultNamespace: fn.namespace,
    holdRejected: true,
    maxCallAgeMillis: 6 * 3_600_000,
    maxUnfinishedDeliveries: 3
  }).pipe(
    Layer.provide([Settlement.layer({ maxResultBytes: 0, version: "test" }), Suspects.layer]),
    Layer.provideMerge(GiveBack.layer),
    Layer.provideMerge(Layer.merge(queue, MemoryLedger.layer))
  )
  const services = yield* Layer.build(processing)
  const makeActor = yield* Effect.flatMap(FunctionLanes.make(subjects), (kind) =>
    Actor.factory(kind, {
      slots,
      limiter: options.limiter,
      ackWaitMillis: 60_000,
      inactiveThresholdMillis: 30_000,
      serverThresholdMillis: 180_000
    })
  ).pipe(Effect.provide(services))
  const actor = makeActor(FunctionLane.make(subjects, fn))
  actor.backlog(options.calls)
  const fiber = yield* Effect.forkScoped(actor.run)
  return { actor, fiber, calls, slots, deadLetters }
})

/** A test's program with everything but a scope. */
export type Program = Effect.Effect<void, never, Scope.Scope>
