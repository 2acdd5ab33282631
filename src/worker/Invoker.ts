import { Clock, Context, Effect, Layer } from "effect"
import { Agent } from "undici"
import type { Call } from "../domain/Call.ts"
import type * as Excerpt from "../domain/Excerpt.ts"
import * as FunctionUrl from "../domain/FunctionUrl.ts"
import * as Headers from "../domain/Headers.ts"
import type * as Outcome from "../domain/Outcome.ts"
import * as RetryAfter from "../domain/RetryAfter.ts"
import { exchange, headerOf, type HttpResult, MAX_HEADER_BYTES } from "./HttpPost.ts"
import { targetOf } from "./Target.ts"

/** What calling a function gave. */
export interface Reaction {
  readonly answer: Outcome.Answer
  readonly durationSeconds: number
  /** the function's own answer, when it gave a whole one */
  readonly reply: Extract<HttpResult, { readonly _tag: "Reply" }> | undefined
  /** the beginning of the body that came, also when the rest did not; for the dead letter */
  readonly excerpt: Excerpt.Excerpt | undefined
  /** headers of the call that HTTP cannot carry and that were left out */
  readonly droppedHeaders: ReadonlyArray<string>
}

export interface InvokerOptions {
  /** for one attempt, milliseconds */
  readonly upstreamTimeoutMillis: number
  /** the largest answer that is kept for a callback, bytes */
  readonly maxResultBytes: number
}

/** Calls functions over HTTP. */
export class Invoker extends Context.Service<
  Invoker,
  {
    /** One attempt, with these headers. `keepReply`: whether somebody wants the body of the answer. */
    readonly invoke: (
      url: string,
      call: Call,
      header: Headers.HeaderMap,
      keepReply: boolean
    ) => Effect.Effect<Reaction>
  }
>()("sluice/worker/Invoker") {
  static readonly layer = (options: InvokerOptions) => Layer.effect(Invoker, make(options))
}

const make = Effect.fnUntraced(function* (options: InvokerOptions) {
  const clock = yield* Clock.Clock
  // As many connections as there are calls in flight: permits bound them.
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new Agent({ pipelining: 1, maxHeaderSize: MAX_HEADER_BYTES })),
    (agent) => Effect.promise(() => agent.destroy())
  )

  return Invoker.of({
    invoke: (url, call, header, keepReply) => {
      const { origin, basePath } = targetOf(url)
      const { headers, dropped } = Headers.toWire(header)
      const startedAt = clock.monotonicTimeNanosUnsafe()
      return exchange(agent, {
        origin,
        path: FunctionUrl.requestPath(basePath, call.path, call.queryString),
        method: call.method,
        headers,
        body: call.body,
        timeoutMillis: options.upstreamTimeoutMillis,
        keepBytes: keepReply ? options.maxResultBytes : 0
      }).pipe(
        Effect.map((result) => ({
          answer: toAnswer(result, options.upstreamTimeoutMillis, clock.currentTimeMillisUnsafe()),
          durationSeconds: Number(clock.monotonicTimeNanosUnsafe() - startedAt) / 1e9,
          reply: result._tag === "Reply" ? result : undefined,
          excerpt: result._tag === "Reply" || result._tag === "Broken" ? result.excerpt : undefined,
          droppedHeaders: dropped
        }))
      )
    }
  })
})

const toAnswer = (result: HttpResult, timeoutMillis: number, nowMillis: number): Outcome.Answer => {
  switch (result._tag) {
    case "Timeout":
      return { _tag: "Timeout", afterMillis: timeoutMillis }
    case "Unreachable":
      return { _tag: "Unreachable", detail: result.detail }
    case "Broken":
      return { _tag: "BrokenReply", status: result.status, detail: result.detail }
    case "Reply":
      return {
        _tag: "Reply",
        status: result.status,
        internal: headerOf(result.rawHeaders, "x-openfaas-internal") !== undefined,
        retryAfter: RetryAfter.parse(headerOf(result.rawHeaders, "retry-after"), nowMillis)
      }
  }
}
