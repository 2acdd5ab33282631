import { Context, Duration, Effect, Layer, Schedule } from "effect"
import { Agent } from "undici"
import * as Headers from "../domain/Headers.ts"
import { exchange, MAX_HEADER_BYTES } from "./HttpPost.ts"

export interface CallbacksOptions {
  /** accept any TLS certificate of a receiver */
  readonly tlsInsecure: boolean
}

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
    readonly deliver: (
      url: string,
      headers: Headers.HeaderMap,
      body: Uint8Array
    ) => Effect.Effect<void, Undelivered>
  }
>()("sluice/worker/Callbacks") {
  static readonly layer = (options: CallbacksOptions) => Layer.effect(Callbacks, make(options))
}

/** The call is not acknowledged before its result is delivered, so a dead receiver must not hold it for long. */
const TRY_TIMEOUT = Duration.seconds(10)
const retries = Schedule.max([Schedule.exponential("500 millis", 3), Schedule.recurs(2)])

const make = Effect.fnUntraced(function* (options: CallbacksOptions) {
  const agent = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new Agent({
          pipelining: 1,
          maxHeaderSize: MAX_HEADER_BYTES,
          connect: { rejectUnauthorized: !options.tlsInsecure }
        })
    ),
    (agent) => Effect.promise(() => agent.destroy())
  )

  const post = Effect.fnUntraced(function* (url: string, headers: Headers.HeaderMap, body: Uint8Array) {
    const target = new URL(url)
    const result = yield* exchange(agent, {
      origin: target.origin,
      path: `${target.pathname}${target.search}`,
      method: "POST",
      headers: Headers.toWire(headers).headers,
      body,
      timeoutMillis: Duration.toMillis(TRY_TIMEOUT),
      keepBytes: 0
    })
    switch (result._tag) {
      case "Reply":
        if (result.status >= 200 && result.status < 300) return
        return yield* Effect.fail({
          detail: `the receiver answered ${result.status}`,
          status: result.status,
          again: result.status === 408 || result.status === 429 || result.status >= 500
        })
      case "Timeout":
        return yield* Effect.fail({ detail: "the receiver did not answer", status: undefined, again: true })
      case "Unreachable":
      case "Broken":
        return yield* Effect.fail({ detail: result.detail, status: undefined, again: true })
    }
  })

  return Callbacks.of({
    deliver: (url, headers, body) =>
      post(url, headers, body).pipe(Effect.retry({ schedule: retries, while: (failure) => failure.again }))
  })
})
