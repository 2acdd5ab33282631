import type { ServerResponse } from "node:http"
import { Data } from "effect"

/** What went wrong with a request, as RFC 9457 describes it. Nothing in it may be secret. */
export class Problem extends Data.TaggedError("Problem")<{
  readonly status: number
  /** Names the kind of problem in its `type`: `urn:sluice:problem:<kind>`. */
  readonly kind: string
  /** The same for all problems of a kind. */
  readonly title: string
  /** What it was this time, and what can be done. */
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
}> {
  override get message(): string {
    return `${this.title}: ${this.detail}`
  }
}

const mediaType = "application/problem+json"

/** The problem as JSON; with the call's id when the request has one. */
const encode = (problem: Problem, callId?: string): string =>
  JSON.stringify({
    type: `urn:sluice:problem:${problem.kind}`,
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    ...(callId === undefined ? {} : { callId })
  })

/** Answers with the problem, or breaks the connection when an answer is already under way. */
export const send = (response: ServerResponse, problem: Problem): void => {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const callId = response.getHeader("X-Call-Id")
  const body = encode(problem, typeof callId === "string" ? callId : undefined)
  response.writeHead(problem.status, {
    "Content-Type": mediaType,
    "Content-Length": Buffer.byteLength(body),
    ...problem.headers
  })
  response.end(body)
}

/** The whole HTTP answer as text, for a request that Node could not read: it gives no response object then. */
export const toRawAnswer = (problem: Problem, statusText: string): string => {
  const body = encode(problem)
  return [
    `HTTP/1.1 ${problem.status} ${statusText}`,
    "Connection: close",
    `Content-Type: ${mediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "",
    body
  ].join("\r\n")
}
