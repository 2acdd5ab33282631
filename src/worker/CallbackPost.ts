import { Clock, Context, Duration, Effect, Layer } from "effect"
import { Agent } from "undici"
import * as Headers from "../domain/Headers.ts"
import * as RetryAfter from "../domain/RetryAfter.ts"
import { exchange, MAX_HEADER_BYTES } from "./HttpPost.ts"

export interface CallbackPostOptions {
  /** accept any TLS certificate of a receiver */
  readonly tlsInsecure: boolean
}

/** What became of one try. */
export type Posted =
  | { readonly _tag: "Taken"; readonly status: number }
  | {
      readonly _tag: "NotTaken"
      /** undefined when there was no answer */
      readonly status: number | undefined
      readonly detail: string
      /** milliseconds of a readable `Retry-After` */
      readonly retryAfter: number | undefined
    }
  /** It will not be taken, however often it is tried. */
  | { readonly _tag: "Never"; readonly status: number | undefined; readonly detail: string }

/** Reports final results to the receivers that callers named. */
export class CallbackPost extends Context.Service<
  CallbackPost,
  {
    /** One try. */
    readonly post: (callback: {
      /** the same in every try */
      readonly id: string
      readonly url: string
      readonly headers: Headers.HeaderMap
      readonly body: Uint8Array
    }) => Effect.Effect<Posted>
  }
>()("sluice/worker/CallbackPost") {
  static readonly layer = (options: CallbackPostOptions) => Layer.effect(CallbackPost, make(options))
}

const TRY_TIMEOUT = Duration.seconds(10)

const make = Effect.fnUntraced(function* (options: CallbackPostOptions) {
  const clock = yield* Clock.Clock
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

  return CallbackPost.of({
    post: Effect.fnUntraced(function* ({ body, headers, url }) {
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
      if (result._tag !== "Reply") {
        const detail = result._tag === "Timeout" ? "the receiver did not answer" : result.detail
        return { _tag: "NotTaken", status: undefined, detail, retryAfter: undefined }
      }
      const { status } = result
      if (status >= 200 && status < 300) return { _tag: "Taken", status }
      const detail = `the receiver answered ${status}`
      if (status === 410) return { _tag: "Never", status, detail }
      const received = Headers.values(Headers.fromRaw(result.rawHeaders), "Retry-After")[0]
      const retryAfter = RetryAfter.parse(received, clock.currentTimeMillisUnsafe())
      return { _tag: "NotTaken", status, detail, retryAfter }
    })
  })
})
