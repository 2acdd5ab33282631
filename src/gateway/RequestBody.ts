import type { IncomingMessage, ServerResponse } from "node:http"
import { Effect } from "effect"

/** Tells a client that waits with its body (`Expect: 100-continue`) to send it. */
export const invite = (request: IncomingMessage, response: ServerResponse): void => {
  if (request.headers.expect?.toLowerCase() === "100-continue") response.writeContinue()
}

/** Whether the client says beforehand that its body has more than `limit` bytes. */
export const isDeclaredAbove = (limit: number, request: IncomingMessage): boolean =>
  Number(request.headers["content-length"] ?? 0) > limit

/** The whole body, or undefined as soon as more than `limit` bytes have come. */
export const collect = (request: IncomingMessage, limit: number): Effect.Effect<Buffer | undefined> =>
  Effect.callback((resume) => {
    const chunks: Array<Buffer> = []
    let size = 0
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > limit) finish(undefined)
      else chunks.push(chunk)
    }
    const onEnd = () => finish(Buffer.concat(chunks, size))
    const forget = () => request.off("data", onData).off("end", onEnd)
    const finish = (body: Buffer | undefined) => {
      forget()
      resume(Effect.succeed(body))
    }
    request.on("data", onData).on("end", onEnd)
    return Effect.sync(forget)
  })
