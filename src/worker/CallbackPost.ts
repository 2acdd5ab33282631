import type { LookupFunction } from "node:net"
import { Clock, Context, Effect, Layer, Result } from "effect"
import { Agent } from "undici"
import type { Network } from "../domain/AddressRules.ts"
import * as CallbackTarget from "../domain/CallbackTarget.ts"
import * as Headers from "../domain/Headers.ts"
import * as RetryAfter from "../domain/RetryAfter.ts"
import * as WebhookSignature from "../domain/WebhookSignature.ts"
import { AddressDenied, guardedConnect } from "./GuardedConnect.ts"
import { exchange, headerOf, type HttpResult } from "./HttpPost.ts"
import * as SigningKeys from "./SigningKeys.ts"

export interface CallbackPostOptions {
  /** for one try, milliseconds */
  readonly timeoutMillis: number
  /** accept any TLS certificate of a receiver */
  readonly tlsInsecure: boolean
  /** undefined allows every host */
  readonly allowHosts: ReadonlyArray<CallbackTarget.HostRule> | undefined
  readonly denyNetworks: ReadonlyArray<Network>
  /** nothing is signed without it */
  readonly signingKeysFile: string | undefined
  /** Finds the addresses of a name; the system does when it is not given. */
  readonly lookup?: LookupFunction | undefined
}

/** A result to be reported. */
export interface Callback {
  /** The same for every try, without dots: receivers tell by it what they have already. */
  readonly id: string
  readonly url: string
  readonly headers: Headers.HeaderMap
  readonly body: Uint8Array
}

/** What became of one try. */
export type Posted =
  | { readonly _tag: "Taken"; readonly status: number }
  /** Another try may help. */
  | {
      readonly _tag: "NotTaken"
      /** undefined when there was no answer */
      readonly status: number | undefined
      readonly detail: string
      /** milliseconds of a readable `Retry-After` */
      readonly retryAfter: number | undefined
    }
  /** It may not go there, or the receiver wants it no more. */
  | { readonly _tag: "Never"; readonly status: number | undefined; readonly detail: string }

/** Posts results to receivers whose addresses strangers chose. */
export class CallbackPost extends Context.Service<
  CallbackPost,
  {
    /** One try; never fails. Interruption aborts it. */
    readonly post: (callback: Callback) => Effect.Effect<Posted>
  }
>()("sluice/worker/CallbackPost") {
  static readonly layer = (options: CallbackPostOptions) => Layer.effect(CallbackPost, make(options))
}

// A receiver's answer is read for its status; these keep it from filling our memory or our time.
const mostHeaderBytes = 64 * 1024
const mostBodyBytes = 64 * 1024

const make = Effect.fnUntraced(function* (options: CallbackPostOptions) {
  const keys =
    options.signingKeysFile === undefined ? undefined : yield* SigningKeys.make(options.signingKeysFile)
  // Connections are kept for later posts. The rules they were made under are the agent's for life.
  const agent = yield* Effect.acquireRelease(
    Effect.sync(
      () =>
        new Agent({
          pipelining: 1,
          allowH2: false,
          maxHeaderSize: mostHeaderBytes,
          connect: guardedConnect(options)
        })
    ),
    (agent) => Effect.promise(() => agent.destroy())
  )

  const wireHeaders = ({ body, headers, id }: Callback, nowMillis: number): Array<string> => {
    if (keys === undefined) return Headers.toWire(headers).headers
    // The function could sign in our name otherwise.
    const others = Headers.toWire(headers, WebhookSignature.names).headers
    const timestampSeconds = Math.floor(nowMillis / 1000)
    return [...others, ...WebhookSignature.headers(keys(), { id, timestampSeconds, body })]
  }

  return CallbackPost.of({
    post: Effect.fnUntraced(function* (callback) {
      const target = CallbackTarget.check(callback.url, options.allowHosts)
      if (Result.isFailure(target)) {
        return { _tag: "Never", status: undefined, detail: `the callback URL is refused: ${target.failure}` }
      }
      const { origin, pathname, search } = target.success
      const result = yield* exchange(agent, {
        origin,
        path: pathname + search,
        method: "POST",
        headers: wireHeaders(callback, yield* Clock.currentTimeMillis),
        body: callback.body,
        timeoutMillis: options.timeoutMillis,
        keepBytes: 0,
        readBytes: mostBodyBytes
      })
      return toPosted(result, options.timeoutMillis, yield* Clock.currentTimeMillis)
    })
  })
})

/** Not now, for a reason that no status tells. */
export const notTaken = (detail: string): Posted => ({
  _tag: "NotTaken",
  status: undefined,
  detail,
  retryAfter: undefined
})

const toPosted = (result: HttpResult, timeoutMillis: number, nowMillis: number): Posted => {
  switch (result._tag) {
    case "Reply":
    case "Broken":
      return judge(result.status, result.rawHeaders, nowMillis)
    case "Timeout":
      // With a status the receiver has made up its mind, even if its answer never ends.
      return result.status === undefined
        ? notTaken(`the receiver did not answer within ${timeoutMillis / 1000}s`)
        : judge(result.status, result.rawHeaders, nowMillis)
    case "Unreachable":
      return result.cause instanceof AddressDenied
        ? { _tag: "Never", status: undefined, detail: result.detail }
        : notTaken(result.detail)
  }
}

const judge = (status: number, rawHeaders: ReadonlyArray<string>, nowMillis: number): Posted => {
  if (status >= 200 && status < 300) return { _tag: "Taken", status }
  const answered = `the receiver answered ${status}`
  if (status === 410) return { _tag: "Never", status, detail: `${answered}: it wants no more callbacks` }
  const isRedirect = status >= 300 && status < 400
  return {
    _tag: "NotTaken",
    status,
    detail: isRedirect ? `${answered}, and redirects are not followed` : answered,
    retryAfter: RetryAfter.parse(headerOf(rawHeaders, "retry-after"), nowMillis)
  }
}
