import { Clock, Effect, Exit, Fiber, FiberSet, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { DeadLetter } from "../../src/queue/DeadLetters.ts"
import type { Delivery } from "../../src/queue/Delivery.ts"
import { MemoryStream, type Message } from "./MemoryStream.ts"
import * as ModelWorker from "./ModelWorker.ts"
import {
  type FunctionScript,
  type ReceiverScript,
  ScriptedFunction,
  ScriptedReceiver,
  TIMEOUT
} from "./Parties.ts"
import { type Fault, type Life, Wire } from "./Wire.ts"

export interface CallPlan {
  readonly atMillis: number
  readonly function: FunctionScript
  /** undefined: nobody wants the result */
  readonly receiver: ReceiverScript | undefined
}

export interface Plan extends ModelWorker.Options {
  readonly calls: ReadonlyArray<CallPlan>
  readonly faults: ReadonlyArray<readonly [exchange: number, fault: Fault]>
}

const WORKERS = 2
const RESTART_MILLIS = 1_000
/** Everything has to be settled after so long, milliseconds. */
const BOUND = 30 * 60_000
const STEP = 5_000

export const idOf = (index: number) => `call-${index + 1}`

interface Running {
  readonly life: Life
  readonly scope: Scope.Closeable
  readonly received: Array<Delivery>
}

/** Lets it all happen, on the test's clock, until everything is settled. */
export const run = Effect.fnUntraced(function* (plan: Plan) {
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const fork = yield* FiberSet.makeRuntime<never, unknown>()
  const violations: Array<string> = []
  const running = new Map<Life, Running>()
  let lives = 0

  const wire = new Wire({
    faults: new Map(plan.faults),
    seed: plan.seed,
    fork,
    now,
    consequences: {
      kill: (life) => void (life.alive && replace(life, false)),
      stop: (life) => void (running.has(life) && replace(life, true)),
      redeliver: () => streams.forEach((stream) => stream.redeliver()),
      forget: () => streams.forEach((stream) => stream.forget())
    }
  })
  const scripts = plan.calls.map((call, index) => [idOf(index), call] as const)
  const scripted = new ScriptedFunction(wire, new Map(scripts.map(([id, call]) => [id, call.function])))
  const receiver = new ScriptedReceiver(
    wire,
    new Map(scripts.flatMap(([id, call]) => (call.receiver === undefined ? [] : [[id, call.receiver]])))
  )
  const letters = new Map<string, DeadLetter>()
  const stream = (queue: string, created: string, removed: (message: Message) => void) =>
    new MemoryStream({
      queue,
      created,
      ackWait: ModelWorker.ACK_WAIT,
      duplicateWindow: Math.max(120_000, 2 * ModelWorker.ACK_WAIT + TIMEOUT),
      now,
      wire,
      removed
    })
  const lettersOf = (queue: string, sequence: number) =>
    [...letters.values()].filter(
      ({ headers }) =>
        headers["Sluice-Stream"] === `OF_${queue}` && headers["Sluice-Sequence"] === String(sequence)
    )
  const calls = stream(ModelWorker.QUEUE, "2026-11-20T00:00:00Z", ({ id, sequence }) => {
    const isStored = callbacks.stored.some(({ data }) => ModelWorker.resultOf(data).callId === id)
    if (receiver.knows(id) && !isStored)
      violations.push(`${id} is gone from the queue, and its result is not stored`)
    if (!scripted.answered.has(id) && lettersOf(ModelWorker.QUEUE, sequence).length === 0) {
      violations.push(`${id} is gone from the queue, without a final answer or a dead letter`)
    }
  })
  const callbacks = stream(ModelWorker.CALLBACKS, "2026-11-20T00:00:01Z", ({ id, sequence, data }) => {
    const { callId } = ModelWorker.resultOf(data)
    if (receiver.taken.has(callId) || lettersOf(ModelWorker.CALLBACKS, sequence).length > 0) return
    violations.push(`${id} is gone, and nobody has got it`)
  })
  const streams = [calls, callbacks]
  const server: ModelWorker.Server = {
    wire,
    calls,
    callbacks,
    letters,
    objects: new Map(),
    scripted,
    receiver
  }

  const start = Effect.suspend(() => {
    const life: Life = { name: `worker-${++lives}`, alive: true }
    const scope = Scope.makeUnsafe()
    const received: Array<Delivery> = []
    running.set(life, { life, scope, received })
    const layer = Layer.fresh(ModelWorker.layer(server, life, plan, received))
    return Layer.buildWithScope(layer, scope)
  })

  const end = ({ life, received, scope }: Running) =>
    Effect.gen(function* () {
      const struckBefore = wire.struck.length
      yield* Scope.close(scope, Exit.void)
      if (!life.alive || wire.struck.length > struckBefore) return
      for (const delivery of received) {
        const isSpokenFor = received.some((first) => first.renewal === delivery && first.settled())
        if (!delivery.settled() && !isSpokenFor && streams.some((stream) => stream.isOut(delivery))) {
          violations.push(
            `${life.name} has ended and said nothing of ${delivery.subject}/${delivery.streamSequence}`
          )
        }
      }
    })

  const replace = (life: Life, orderly: boolean) => {
    const ending = running.get(life)
    running.delete(life)
    life.alive = orderly
    wire.log(`${life.name} ${orderly ? "is told to end" : "is dead"}`)
    if (ending === undefined) return
    const next = Effect.andThen(Effect.sleep(RESTART_MILLIS), start)
    // An orderly end comes first, as in a rolling restart; one that is dead ends by itself. Nobody waits for that: the
    // dead hear of nothing any more, so that the end of what they were doing may never come.
    if (!orderly) fork(Effect.forkDetach(end(ending)))
    fork(orderly ? Effect.andThen(end(ending), next) : next)
  }

  for (const [index, { atMillis, receiver }] of plan.calls.entries()) {
    const id = idOf(index)
    const publish = () =>
      calls.publish(ModelWorker.subject, id, ModelWorker.message(id, receiver !== undefined))
    fork(Effect.andThen(Effect.sleep(atMillis), Effect.sync(publish)))
  }
  yield* Effect.replicateEffect(start, WORKERS, { discard: true })

  const isSettled = () =>
    calls.stored.length === plan.calls.length && calls.size === 0 && callbacks.size === 0
  while (!isSettled() && now() < BOUND) yield* TestClock.adjust(STEP)
  if (!isSettled()) violations.push("not all is settled, half an hour later")
  // What is still under way when the last acknowledgement has come.
  yield* TestClock.adjust(2 * TIMEOUT)
  const ending = yield* Effect.forkChild(
    Effect.forEach([...running.values()], end, { concurrency: "unbounded" })
  )
  yield* TestClock.adjust(STEP)
  yield* Fiber.join(ending)
  return { server, violations }
})
