import { Context, Effect, Layer, Schedule } from "effect"
import { type Callback, CallbackPost } from "./CallbackPost.ts"

/** Why a receiver did not take a result. */
export interface Undelivered {
  readonly detail: string
  readonly status: number | undefined
}

/** Reports final results to the receivers that callers named. */
export class Callbacks extends Context.Service<
  Callbacks,
  {
    /** Posts a result; tries a few times when the receiver is down or says it is busy. */
    readonly deliver: (callback: Callback) => Effect.Effect<void, Undelivered>
  }
>()("sluice/worker/Callbacks") {
  static readonly layer = Layer.effect(
    Callbacks,
    Effect.map(CallbackPost, ({ post }) =>
      Callbacks.of({
        deliver: Effect.fnUntraced(
          function* (callback) {
            const posted = yield* post(callback)
            if (posted._tag === "Taken") return
            const { detail, status } = posted
            return yield* Effect.fail({
              detail,
              status,
              again: posted._tag === "NotTaken" && maySoon(status)
            })
          },
          Effect.retry({ schedule: retries, while: (failure) => failure.again })
        )
      })
    )
  )
}

/** The call is not acknowledged before its result is delivered, so a dead receiver must not hold it for long. */
const retries = Schedule.max([Schedule.exponential("500 millis", 3), Schedule.recurs(2)])

const maySoon = (status: number | undefined): boolean =>
  status === undefined || status === 408 || status === 429 || status >= 500
