import { Effect } from "effect"
import type { Dispatcher } from "undici"
import * as Excerpt from "../domain/Excerpt.ts"

export interface HttpRequest {
  readonly origin: string
  /** path and query, as they go into the request line */
  readonly path: string
  readonly method: string
  /** flat list of names and values, latin1 */
  readonly headers: Array<string>
  readonly body: Uint8Array
  /** for the whole exchange, from now to the last byte of the answer */
  readonly timeoutMillis: number
  /** how much of the answer's body to keep; what is beyond is read, counted and thrown away */
  readonly keepBytes: number
  /** how much of the answer's body to read; the connection of a longer one is cut, and it counts as whole */
  readonly readBytes?: number
}

export type HttpResult =
  | {
      readonly _tag: "Reply"
      readonly status: number
      /** flat list of names and values, latin1 */
      readonly rawHeaders: ReadonlyArray<string>
      /** undefined when it is longer than `keepBytes` */
      readonly body: Uint8Array | undefined
      readonly bodyBytes: number
      /** the beginning of the body, whatever `keepBytes` is */
      readonly excerpt: Excerpt.Excerpt
    }
  | {
      readonly _tag: "Timeout"
      /** undefined when the answer did not begin */
      readonly status: number | undefined
      readonly rawHeaders: ReadonlyArray<string>
    }
  /** no connection, or it ended before the answer began */
  | { readonly _tag: "Unreachable"; readonly detail: string; readonly cause: unknown }
  /** the answer began and broke off */
  | {
      readonly _tag: "Broken"
      readonly status: number
      readonly rawHeaders: ReadonlyArray<string>
      readonly detail: string
      /** the beginning of what came before */
      readonly excerpt: Excerpt.Excerpt
    }

/**
 * The most that the headers of an answer may have, as in Go's servers. Node's 16 KiB would turn the answer into a
 * failure, and the call would be executed again for it.
 */
export const MAX_HEADER_BYTES = 1024 * 1024

/**
 * One HTTP exchange; never fails. Interruption aborts the request. Redirects are answers like others.
 * Uses undici's `dispatch`: it is what `request` is made of, without the streams that we do not need.
 */
export const exchange = (dispatcher: Dispatcher, request: HttpRequest): Effect.Effect<HttpResult> =>
  Effect.callback<HttpResult>((resume) => {
    const handler = new Exchange(request, resume)
    try {
      dispatcher.dispatch(
        {
          origin: request.origin,
          path: request.path,
          method: request.method as Dispatcher.HttpMethod,
          headers: request.headers,
          body: request.body,
          // The exchange has a deadline of its own.
          headersTimeout: 0,
          bodyTimeout: 0
        },
        handler
      )
    } catch (error) {
      handler.end({ _tag: "Unreachable", detail: detailOf(error), cause: error })
    }
    return Effect.sync(() => handler.abort("interrupted"))
  })

class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest
  readonly #resume: (effect: Effect.Effect<HttpResult>) => void
  readonly #deadline: NodeJS.Timeout
  readonly #chunks: Array<Buffer> = []
  readonly #beginning: Array<Buffer> = []
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #rawHeaders: ReadonlyArray<string> = []
  #bodyBytes = 0
  #ended = false

  constructor(request: HttpRequest, resume: (effect: Effect.Effect<HttpResult>) => void) {
    this.#request = request
    this.#resume = resume
    this.#deadline = setTimeout(() => {
      this.end({ _tag: "Timeout", status: this.#status || undefined, rawHeaders: this.#rawHeaders })
      this.abort("timeout")
    }, request.timeoutMillis)
  }

  end(result: HttpResult): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#deadline)
    this.#resume(Effect.succeed(result))
  }

  abort(reason: string): void {
    this.#ended = true
    clearTimeout(this.#deadline)
    this.#controller?.abort(new Error(reason))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // The deadline may pass while the request waits for a connection.
    if (this.#ended) controller.abort(new Error("too late"))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return
    this.#status = status
    const raw = controller.rawHeaders
    this.#rawHeaders = Array.isArray(raw)
      ? raw.map((part) => (typeof part === "string" ? part : part.toString("latin1")))
      : []
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    const beginning = Excerpt.MAX_BYTES - this.#bodyBytes
    // Copied, or a kilobyte would keep the whole chunk.
    if (beginning > 0) this.#beginning.push(Buffer.from(chunk.subarray(0, beginning)))
    this.#bodyBytes += chunk.length
    if (this.#bodyBytes > (this.#request.readBytes ?? Number.POSITIVE_INFINITY)) {
      this.onResponseEnd()
      this.abort("the answer is too long")
      return
    }
    if (this.#bodyBytes <= this.#request.keepBytes) this.#chunks.push(chunk)
    else this.#chunks.length = 0
  }

  onResponseEnd(): void {
    const kept = this.#bodyBytes <= this.#request.keepBytes
    this.end({
      _tag: "Reply",
      status: this.#status,
      rawHeaders: this.#rawHeaders,
      body: kept ? Buffer.concat(this.#chunks) : undefined,
      bodyBytes: this.#bodyBytes,
      excerpt: this.#excerpt()
    })
  }

  #excerpt(): Excerpt.Excerpt {
    return { bytes: Buffer.concat(this.#beginning), totalBytes: this.#bodyBytes }
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    const detail = detailOf(error)
    this.end(
      this.#status === 0
        ? { _tag: "Unreachable", detail, cause: error }
        : {
            _tag: "Broken",
            status: this.#status,
            rawHeaders: this.#rawHeaders,
            detail,
            excerpt: this.#excerpt()
          }
    )
  }
}

/** The first value of a header in a flat list of names and values. */
export const headerOf = (rawHeaders: ReadonlyArray<string>, lowerCaseName: string): string | undefined => {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName)
      return rawHeaders[index + 1]
  }
  return undefined
}

const detailOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  // What happens when all addresses of a name refuse has a code and no message.
  return error.message.includes(code) ? error.message || error.name : `${error.message} (${code})`.trim()
}
