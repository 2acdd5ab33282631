/** What a worker's steps say of themselves in a trace. */
import { Effect } from "effect"
import * as Call from "../domain/Call.ts"
import type { About } from "../domain/CallbackMessage.ts"
import * as FunctionName from "../domain/FunctionName.ts"
import type { HeaderMap } from "../domain/Headers.ts"
import * as Outcome from "../domain/Outcome.ts"
import type { Delivery } from "../queue/Delivery.ts"
import * as Span from "../telemetry/Span.ts"
import type { Live } from "../telemetry/Traces.ts"
import type { Posted } from "./CallbackPost.ts"
import type { Reaction } from "./Invoker.ts"
import { type Target, targetOf } from "./Target.ts"
import type { Flight } from "./Throttle.ts"
import type { Work } from "./Work.ts"

/** One delivery's processing. The wait in the queue is the gap before it, also where the trace is another one. */
export const process = (
  traces: Live,
  fn: FunctionName.FunctionName,
  delivery: Delivery,
  call: Call.Call,
  nowMillis: number
): Span.Span =>
  traces.start(call.header, "process", "consumer", () => ({
    "messaging.system": "nats",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": delivery.subject,
    "messaging.message.body.size": call.body.length,
    "faas.invoked_name": FunctionName.key(fn),
    "sluice.call_id": Call.callId(call) ?? "",
    "sluice.sequence": delivery.streamSequence,
    "sluice.delivery": delivery.deliveryCount,
    "sluice.queue_wait_seconds": Math.max(0, nowMillis - delivery.acceptedMillis) / 1000
  }))

/** One HTTP request to the function, which continues from it. Its query may hold secrets, so it is left out. */
export const attempt = <E, R>(
  work: Work & { readonly call: Call.Call },
  url: string,
  flight: Flight,
  invoke: (header: HeaderMap) => Effect.Effect<Reaction, E, R>
): Effect.Effect<Reaction, E, R> => {
  const { call, attempt: number, span: parent } = work
  if (parent === Span.none) return invoke(call.header)
  // 99 of 100 calls: all there is to say is that nothing is recorded.
  if (parent.traceId === undefined) return invoke(parent.headers(call.header))
  const limiter = flight.limiter()
  const span = parent.child(call.method, "client", () => ({
    ...serverOf(targetOf(url)),
    "http.request.method": call.method,
    "url.full": `${url}${call.path}`,
    "http.request.body.size": call.body.length,
    "sluice.attempt": number,
    "sluice.limiter.limit": limiter.limit,
    "sluice.limiter.in_flight": limiter.inFlight,
    ...resent(number)
  }))
  const answered = Effect.map(invoke(span.headers(call.header)), (reaction) => {
    tellAnswer(span, reaction.answer)
    return reaction
  })
  return span.during(answered)
}

const tellAnswer = (span: Span.Span, answer: Outcome.Answer): void => {
  const hasStatus = answer._tag === "Reply" || answer._tag === "BrokenReply"
  if (hasStatus) span.set(() => ({ "http.response.status_code": answer.status }))
  const isReply = answer._tag === "Reply"
  if (isReply && answer.status < 400) return
  span.failed(isReply ? String(answer.status) : Outcome.statusClass(answer), Outcome.describe(answer))
}

const resent = (number: number) => (number > 1 ? { "http.request.resend_count": number - 1 } : {})

const serverOf = ({ hostname, port, protocol }: Pick<Target, "hostname" | "port" | "protocol">) => ({
  "server.address": hostname,
  "server.port": Number(port || (protocol === "https:" ? 443 : 80))
})

/** One try at posting a final result. It belongs to the call's trace, whichever worker makes it. */
export const callback = (traces: Live, about: About, number: number): Span.Span =>
  traces.start(about.trace ?? {}, "callback", "client", () => {
    const target = new URL(about.url)
    return {
      ...serverOf(target),
      "http.request.method": "POST",
      "url.full": `${target.origin}${target.pathname}`,
      "sluice.call_id": about.callId,
      "sluice.attempt": number,
      ...resent(number)
    }
  })

export const tellPosted = (span: Span.Span, posted: Posted): void => {
  const { status } = posted
  if (status !== undefined) span.set(() => ({ "http.response.status_code": status }))
  if (posted._tag === "Taken") return
  span.failed(String(status ?? "undelivered"), posted.detail)
}
