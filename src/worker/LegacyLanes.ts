import { Clock, Effect, Option, Result } from "effect"
import * as AttemptRecord from "../domain/AttemptRecord.ts"
import * as Call from "../domain/Call.ts"
import type { FunctionLane } from "../domain/FunctionLane.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import type { Lane } from "../domain/Lane.ts"
import * as LegacyLane from "../domain/LegacyLane.ts"
import type { Delivery } from "../queue/Delivery.ts"
import { Ledger } from "../queue/Ledger.ts"
import { MovedCalls } from "../queue/MovedCalls.ts"
import { QueueStream } from "../queue/QueueStream.ts"
import * as Span from "../telemetry/Span.ts"
import { acknowledge } from "./Acknowledgement.ts"
import { GiveBack } from "./GiveBack.ts"
import type { FunctionLanes } from "./FunctionLanes.ts"
import { nameless } from "./FunctionMetrics.ts"
import type { LaneKind } from "./LaneKind.ts"
import { persist } from "./Persistence.ts"
import { Process } from "./Process.ts"
import type { Progress } from "./Progress.ts"
import { Settlement } from "./Settlement.ts"
import { orGiveBack } from "./Unsettled.ts"

/**
 * The lanes of functions and, beside them, the bare subject of the queue: a call there is stored on its function's
 * subject, confirmed, and then acknowledged. Whoever dies in between has it moved again under the same message id.
 * One that static mode has tried waits here until its time has come, and takes its attempts along. In a full queue
 * nothing can be moved: a call is executed where it is, or the queue would stand still. What names no function is a
 * dead letter.
 */
export const beside = Effect.fnUntraced(function* (functions: FunctionLanes, defaultNamespace: string) {
  const { queue } = yield* QueueStream
  const { move } = yield* MovedCalls
  const { process } = yield* Process
  const settlement = yield* Settlement
  const ledger = yield* Ledger
  const giveBack = yield* GiveBack
  const clock = yield* Clock.Clock
  const seconds = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e9
  const legacy = LegacyLane.of(queue)

  const run = Effect.fnUntraced(function* (delivery: Delivery, progress: Progress) {
    const record = yield* ledger.read(delivery)
    if (AttemptRecord.isEarly(record, clock.currentTimeMillisUnsafe())) {
      return yield* giveBack.handBack(delivery)
    }
    const decoded = Call.decode(delivery.data)
    const named = Result.flatMap(decoded, (call) => FunctionName.parse(call.function, defaultNamespace))
    if (Result.isFailure(named)) {
      const call = Result.getOrUndefined(decoded)
      const work = {
        fn: FunctionName.unknown,
        delivery,
        call,
        attempt: (record?.attempts ?? 0) + 1,
        stuck: progress.stuck,
        span: Span.none
      }
      return yield* settlement.refuse(work, "undecodable", named.failure)
    }
    const fields = { function: FunctionName.key(named.success), sequence: delivery.streamSequence }
    const startedAt = seconds()
    progress.dispatched()
    if (!(yield* persist(progress.stuck, fields)(move(named.success, delivery, record)))) {
      // The lane's limiter knows of it already.
      return yield* process(undefined, delivery, { ...progress, dispatched: () => {} })
    }
    progress.answered("success", seconds() - startedAt)
    return acknowledge(ledger, delivery)
  })

  const kind: LaneKind<Lane> = {
    noun: "function",
    parse: (subject) => (subject === legacy.subject ? Option.some(legacy) : functions.parse(subject)),
    limit: (lane, slots) => (isFunction(lane) ? functions.limit(lane, slots) : Effect.succeed(slots)),
    process: (lane, delivery, progress) =>
      isFunction(lane)
        ? functions.process(lane, delivery, progress)
        : orGiveBack(giveBack, delivery, { fields: () => ({ subject: delivery.subject }) })(
            run(delivery, progress)
          ),
    metrics: {
      // The wait of a call that is moved is counted where it is moved to.
      delivered: (delivery, nowMillis) => {
        if (delivery.subject !== legacy.subject) functions.metrics.delivered(delivery, nowMillis)
      },
      observe: (lane, parts) => (isFunction(lane) ? functions.metrics.observe(lane, parts) : Effect.void),
      discovered: (stream, lanes) =>
        functions.metrics.discovered(
          stream,
          new Map([...lanes].map(([lane, count]) => [isFunction(lane) ? lane : nameless(lane), count]))
        )
    },
    advisers: functions.advisers.map(
      (adviser) => (served) =>
        isFunction(served.lane) ? adviser({ ...served, lane: served.lane }) : Effect.never
    )
  }
  return kind
})

const isFunction = (lane: Lane): lane is FunctionLane => "fn" in lane
