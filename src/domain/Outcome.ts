/** What came back from one attempt to call a function. */
export type Answer =
  | {
      readonly _tag: "Reply"
      readonly status: number
      /** The reply carried `X-OpenFaaS-Internal`: OpenFaaS answered, not the function. */
      readonly internal: boolean
      /** Milliseconds of a readable `Retry-After`. */
      readonly retryAfter: number | undefined
    }
  | { readonly _tag: "Timeout"; readonly afterMillis: number }
  | { readonly _tag: "Unreachable"; readonly detail: string }
  /** The headers came, the body broke off. */
  | { readonly _tag: "BrokenReply"; readonly status: number; readonly detail: string }
  /** Workers that executed the call have ended, so many times. */
  | { readonly _tag: "WorkerLost"; readonly times: number }

/** What the limiter learns from an answer. Neutral says nothing about room, or proves there was some. */
type Signal = "success" | "rejected" | "neutral" | "timeout" | "unreachable"

const isSuccess = (status: number): boolean => status >= 200 && status < 300

/** What the limiter learns from the answer. Rejected: the function had no room and did no work. */
export const signal = (answer: Answer): Signal => {
  switch (answer._tag) {
    case "Timeout":
      return "timeout"
    case "Unreachable":
      return "unreachable"
    case "BrokenReply":
    case "WorkerLost":
      return "neutral"
    case "Reply": {
      if (isSuccess(answer.status)) return "success"
      if (answer.status === 429) return "rejected"
      const saysNoRoom = answer.internal || answer.retryAfter !== undefined
      return answer.status === 503 && saysNoRoom ? "rejected" : "neutral"
    }
  }
}

/**
 * Whether another attempt may help. `codes` are the statuses the retry policy names; a rejection and an
 * error made by OpenFaaS itself are retried whatever they say.
 */
export const isRetryable = (answer: Answer, codes: ReadonlySet<number>): boolean => {
  if (answer._tag !== "Reply") return true
  if (isSuccess(answer.status)) return false
  const internalError = answer.internal && answer.status >= 400
  return codes.has(answer.status) || internalError || signal(answer) === "rejected"
}

/** The status that callbacks and records show for an answer. */
export const statusOf = (answer: Answer): number => {
  switch (answer._tag) {
    case "Reply":
      return answer.status
    case "BrokenReply":
      return 502
    case "WorkerLost":
      return 500
    case "Unreachable":
      return 503
    case "Timeout":
      return 504
  }
}

/** A few words for all answers, to count them by. */
export const statusClass = (answer: Answer): string => {
  switch (answer._tag) {
    case "Reply":
      return `${Math.trunc(answer.status / 100)}xx`
    case "BrokenReply":
      return "broken"
    case "Unreachable":
      return "unreachable"
    case "Timeout":
      return "timeout"
    case "WorkerLost":
      return "worker-lost"
  }
}

/** What the answer asked for, in seconds. */
export const retryAfterSeconds = (answer: Answer): number | undefined =>
  answer._tag === "Reply" && answer.retryAfter !== undefined ? answer.retryAfter / 1000 : undefined

/** The answer in a few words, for logs and dead letters; never the body. */
export const describe = (answer: Answer): string => {
  switch (answer._tag) {
    case "Reply":
      return `the function answered ${answer.status}`
    case "BrokenReply":
      return `the function's answer (${answer.status}) broke off: ${answer.detail}`
    case "Unreachable":
      return `the function could not be reached: ${answer.detail}`
    case "WorkerLost":
      return `${answer.times} deliveries ended with their worker`
    case "Timeout":
      return `the function did not answer within ${answer.afterMillis / 1000}s`
  }
}
