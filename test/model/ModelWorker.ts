/** A worker put together as in production, whose border to the server, to functions and to receivers is the test's. */
import { Effect, Layer, Logger, Result } from "effect"
import * as Call from "../../src/domain/Call.ts"
import * as CallbackMessage from "../../src/domain/CallbackMessage.ts"
import { fixed } from "../../src/domain/limiter/Fixed.ts"
import { pace } from "../../src/domain/limiter/Pace.ts"
import type { RetryPolicy } from "../../src/domain/RetryPolicy.ts"
import * as SubjectTemplate from "../../src/domain/SubjectTemplate.ts"
import { Functions } from "../../src/functions/Functions.ts"
import { Backlog } from "../../src/queue/Backlog.ts"
import { CallbackQueue } from "../../src/queue/CallbackQueue.ts"
import { CallSources } from "../../src/queue/CallSource.ts"
import { type DeadLetter, DeadLetters } from "../../src/queue/DeadLetters.ts"
import type { Delivery } from "../../src/queue/Delivery.ts"
import { LargeResults } from "../../src/queue/LargeResults.ts"
import { Ledger } from "../../src/queue/Ledger.ts"
import { QueueStream } from "../../src/queue/QueueStream.ts"
import { WakeUps } from "../../src/queue/WakeUps.ts"
import * as CallbackLanes from "../../src/worker/CallbackLanes.ts"
import { CallbackPost } from "../../src/worker/CallbackPost.ts"
import { Callbacks } from "../../src/worker/Callbacks.ts"
import * as FunctionLanes from "../../src/worker/FunctionLanes.ts"
import { LIMIT_ANNOTATION } from "../../src/worker/FunctionLimit.ts"
import { GiveBack } from "../../src/worker/GiveBack.ts"
import { Invoker } from "../../src/worker/Invoker.ts"
import { Process } from "../../src/worker/Process.ts"
import { Settlement } from "../../src/worker/Settlement.ts"
import { Slots } from "../../src/worker/Slots.ts"
import { Suspects } from "../../src/worker/Suspects.ts"
import * as Supervisor from "../../src/worker/Supervisor.ts"
import type { MemoryStream } from "./MemoryStream.ts"
import type { ScriptedFunction, ScriptedReceiver } from "./Parties.ts"
import type { Life, Wire } from "./Wire.ts"

export const QUEUE = "calls"
export const CALLBACKS = "callbacks"
export const ACK_WAIT = 10_000
export const MAX_UNFINISHED = 3
/** A larger result is put aside. */
const MAX_MESSAGE_BYTES = 2_000
const subjects = Result.getOrThrow(SubjectTemplate.make("{queue}.{function}.{namespace}", QUEUE))
const fn = { name: "scripted", namespace: "fns" }
export const subject = subjects.subject(fn)

/** A call as the gateway stores it. */
export const message = (id: string, wantsResult: boolean): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      Function: fn.name,
      Method: "POST",
      Header: { "X-Call-Id": [id] },
      ...(wantsResult ? { CallbackUrl: `http://receiver.test/${id}` } : {})
    })
  )

/** A result as it is stored. */
export const resultOf = (data: Uint8Array) => Result.getOrThrow(CallbackMessage.decode(data))

const policy = (maxAttempts: number): RetryPolicy => ({
  maxAttempts,
  initialWait: 1_000,
  maxWait: 4_000,
  codes: new Set([500, 429]),
  backoff: "exponential"
})

export const callPolicy = policy(2)
const callbackPolicy = policy(3)

/** What all workers share. */
export interface Server {
  readonly wire: Wire
  readonly calls: MemoryStream
  readonly callbacks: MemoryStream
  readonly letters: Map<string, DeadLetter>
  readonly objects: Map<string, Uint8Array>
  readonly scripted: ScriptedFunction
  readonly receiver: ScriptedReceiver
}

export interface Options {
  readonly limit: number
  readonly adaptive: boolean
  readonly seed: number
  readonly maxCallAge: number
  /** for running calls when the worker is told to stop */
  readonly graceMillis: number
}

/** One worker; it lives until its scope closes. Everything that it got is put into `received`. */
export const layer = (server: Server, life: Life, options: Options, received: Array<Delivery>) => {
  const { calls, callbacks, letters, objects, receiver, scripted, wire } = server
  const streamOf = (stream: MemoryStream, queue: string) =>
    Layer.mergeAll(
      Layer.succeed(
        QueueStream,
        QueueStream.of({
          queue,
          name: `OF_${queue}`,
          created: () => stream.created,
          ensure: Effect.void
        })
      ),
      Layer.succeed(
        Backlog,
        Backlog.of({
          unfinished: Effect.sync(() => ({
            counts: stream.unfinished(),
            lastSequence: stream.stored.length,
            messages: stream.stored.length,
            bytes: 0,
            maxMessages: undefined,
            maxBytes: undefined
          })),
          oldest: () => Effect.undefined
        })
      ),
      Layer.succeed(
        CallSources,
        stream.sources(life, (delivery) => void received.push(delivery))
      ),
      // Hints, on which nothing may depend.
      Layer.succeed(WakeUps, WakeUps.of({ send: () => undefined, listen: () => Effect.void })),
      Layer.succeed(Ledger, stream.ledger(life))
    )

  const storing = Layer.mergeAll(
    Layer.succeed(
      DeadLetters,
      DeadLetters.of({
        store: (letter) =>
          wire.request(life, `buries ${letter.id}`, () => {
            if (!letters.has(letter.id)) letters.set(letter.id, letter)
          })
      })
    ),
    Layer.succeed(
      CallbackQueue,
      CallbackQueue.of({
        store: ({ id, message }) =>
          wire.request(life, `stores ${id}`, () =>
            callbacks.publish(`${CALLBACKS}.http-80-receiver=test`, id, message)
          ),
        maxMessageBytes: () => MAX_MESSAGE_BYTES,
        hasLeft: (sequence) => Effect.map(Effect.sleep(1_000), () => !callbacks.has(sequence))
      })
    ),
    Layer.succeed(
      LargeResults,
      LargeResults.of({
        put: (name, bytes) => wire.request(life, "puts aside", () => void objects.set(name, bytes)),
        get: (name) => wire.request(life, "takes out", () => objects.get(name)),
        remove: (name) => Effect.ignore(wire.request(life, "removes", () => objects.delete(name)))
      })
    )
  )
  const parties = Layer.mergeAll(
    Layer.succeed(
      Invoker,
      Invoker.of({ invoke: (_, call) => scripted.invoke(life, Call.callId(call) ?? "") })
    ),
    Layer.succeed(
      CallbackPost,
      CallbackPost.of({ post: ({ url }) => receiver.post(life, new URL(url).pathname.slice(1)) })
    ),
    Layer.succeed(
      Functions,
      Functions.of({
        find: (name) =>
          Effect.succeed({
            _tag: "Found",
            spec: {
              name,
              url: "http://scripted.test",
              annotations: { [LIMIT_ANNOTATION]: String(options.limit) },
              labels: {},
              environment: {}
            }
          })
      })
    )
  )

  const supervising = {
    slots: new Slots(10),
    limiter: (maxLimit: number) =>
      options.adaptive ? pace({ maxLimit, seed: options.seed }) : fixed(maxLimit),
    ackWaitMillis: ACK_WAIT,
    inactiveThresholdMillis: 30_000,
    serverThresholdMillis: 180_000,
    discoveryIntervalMillis: 8_000,
    shutdownGraceMillis: options.graceMillis
  }
  const processing = Process.layer({
    retryPolicy: callPolicy,
    defaultNamespace: fn.namespace,
    holdRejected: options.adaptive,
    maxCallAgeMillis: options.maxCallAge,
    maxUnfinishedDeliveries: MAX_UNFINISHED
  }).pipe(
    Layer.provide([Suspects.layer, Settlement.layer({ maxResultBytes: 10_000, version: "test" })]),
    Layer.provideMerge(Layer.fresh(GiveBack.layer))
  )
  const functionActors = Supervisor.layer(FunctionLanes.make(subjects), supervising).pipe(
    Layer.provide(processing),
    Layer.provide(streamOf(calls, QUEUE))
  )
  const callbackActors = Supervisor.layer(CallbackLanes.make(callbackPolicy), {
    ...supervising,
    slots: new Slots(10)
  }).pipe(Layer.provide(Layer.fresh(GiveBack.layer)), Layer.provide(streamOf(callbacks, CALLBACKS)))

  return Layer.merge(functionActors, callbackActors).pipe(
    Layer.provide(Callbacks.layer),
    Layer.provide([storing, parties]),
    Layer.provide(Logger.layer([]))
  )
}
