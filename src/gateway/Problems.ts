import * as FunctionName from "../domain/FunctionName.ts"
import { Problem } from "../operations/Problem.ts"
import type { PublishError } from "../queue/QueueError.ts"

/** Every problem the gateway answers with. */

export const notFound = () =>
  new Problem({
    status: 404,
    kind: "no-such-route",
    title: "Not found",
    detail: "Here are /async-function/NAME and /function/NAME, with or without .NAMESPACE and a path."
  })

export const methodNotAllowed = (method: string, allow: string) =>
  new Problem({
    status: 405,
    kind: "method-not-allowed",
    title: "Method not allowed",
    detail: `An asynchronous call is made with ${allow}, not with ${method}.`,
    headers: { Allow: allow }
  })

export const badName = (detail: string) =>
  new Problem({ status: 400, kind: "bad-function-name", title: "Bad function name", detail })

export const badCallId = (detail: string) =>
  new Problem({ status: 400, kind: "bad-call-id", title: "Bad X-Call-Id", detail })

export const badCallback = (why: string) =>
  new Problem({
    status: 400,
    kind: "bad-callback-url",
    title: "Bad X-Callback-Url",
    detail: `X-Callback-Url is refused: ${why}.`
  })

export const unknownFunction = (fn: FunctionName.FunctionName) =>
  new Problem({
    status: 404,
    kind: "unknown-function",
    title: "Unknown function",
    detail: `There is no function ${fn.name} in the namespace ${fn.namespace}.`
  })

/** Both in bytes; `bodyLimit` is negative when the headers alone are too much. */
export const tooLarge = (messageLimit: number, bodyLimit: number) => {
  const what = `A call is stored as one message of at most ${messageLimit} bytes, headers and base64 of the body included`
  const rest =
    bodyLimit < 0 ? "the headers alone are more" : `with these headers the body may have ${bodyLimit} bytes`
  return new Problem({
    status: 413,
    kind: "too-large",
    title: "Too large to be queued",
    detail: `${what}; ${rest}. Store large data elsewhere and send its address.`
  })
}

const retrySoon = { "Retry-After": "1" }

/** The queue did not take the call. */
export const notQueued = ({ reason, detail }: PublishError) => {
  if (reason === "queue-full") {
    return full("queue-full", "The queue is full", `${detail}. The call was not stored; send it again later.`)
  }
  const consequence =
    reason === "not-confirmed"
      ? "The call may have been stored all the same: sending it again can make it run twice."
      : "The call was not stored; send it again later."
  return new Problem({
    status: 503,
    kind: "queue-unavailable",
    title: "The queue is unavailable",
    detail: `${detail}. ${consequence}`,
    headers: retrySoon
  })
}

/** The function's annotation `com.openfaas.queue` names no queue there can be. */
export const badQueueName = (fn: FunctionName.FunctionName, text: string, allowed: string) =>
  new Problem({
    status: 500,
    kind: "bad-queue-name",
    title: "The function's queue cannot be",
    detail:
      `${FunctionName.key(fn)} is annotated with com.openfaas.queue=${JSON.stringify(text)}, ` +
      `but the name of a queue is ${allowed}. The call was not stored; its function's owner has to change that.`
  })

/** The function has as many calls waiting as its owner allows. */
export const tooManyPending = (fn: FunctionName.FunctionName, limit: number) =>
  full(
    "too-many-pending",
    "Too many calls are waiting",
    `${FunctionName.key(fn)} may have ${limit} unfinished calls (its annotation com.openfaas.queue.max_pending). ` +
      "The call was not stored; send it again later."
  )

/** A limit that somebody set is reached: the caller sends more than is finished. */
const full = (kind: string, title: string, detail: string) =>
  new Problem({ status: 429, kind, title, detail, headers: retrySoon })

/** More is sent than JetStream confirms; `limit` in bytes. */
export const overloaded = (limit: number) =>
  new Problem({
    status: 503,
    kind: "overloaded",
    title: "Too much is sent at once",
    detail:
      `Calls of ${limit} bytes (max_accepting_bytes) are being received or wait to be confirmed. ` +
      "The call was not stored; send it again later.",
    headers: retrySoon
  })

export const unreachable = (fn: FunctionName.FunctionName, why: string) =>
  new Problem({
    status: 502,
    kind: "function-unreachable",
    title: "The function cannot be reached",
    detail: `${FunctionName.key(fn)} gave no HTTP answer: ${why}.`
  })

export const upstreamTimeout = (fn: FunctionName.FunctionName, timeout: string) =>
  new Problem({
    status: 504,
    kind: "function-timeout",
    title: "The function did not answer in time",
    detail: `${FunctionName.key(fn)} did not answer within ${timeout} (upstream_timeout).`
  })
