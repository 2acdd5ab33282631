import { Result, Schema } from "effect"
import type * as Headers from "./Headers.ts"

/** Whose result it is, and where it goes. */
export interface About {
  /** absolute */
  readonly url: string
  readonly callId: string
  /** `name.namespace` */
  readonly functionName: string
  /** the function's last status, as the receiver is told */
  readonly status: number
  /** when the call was stored, and when its result was final; milliseconds since 1970 */
  readonly acceptedMillis: number
  readonly finishedMillis: number
  /** the call's place: with the stream's creation (RFC 3339) it names the call for ever */
  readonly stream: string
  readonly streamCreated: string
  readonly sequence: number
  /** the headers that say which trace the call belongs to */
  readonly trace?: Headers.HeaderMap
}

/** A final result on its way to the receiver that the caller named. */
export interface Callback extends About {
  /** all that the receiver gets */
  readonly headers: Headers.HeaderMap
  readonly body: Uint8Array
}

/** One that is too large for a message: the message holds the name of the object that holds the callback. */
export interface Reference extends About {
  readonly object: string
}

const lineFeed = 0x0a
const nothing = new Uint8Array(0)

const write = (head: object, body: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body])

/** One line of JSON, and the body as it is. */
export const encode = ({ body, ...head }: Callback): Uint8Array => write(head, body)

export const encodeReference = (callback: Callback, object: string): Uint8Array => {
  const { body: _, headers: __, ...about } = callback
  return write({ ...about, object }, nothing)
}

const headerMap = Schema.Record(Schema.String, Schema.Array(Schema.String))

const about = {
  url: Schema.String,
  callId: Schema.String,
  functionName: Schema.String,
  status: Schema.Int,
  acceptedMillis: Schema.Finite,
  finishedMillis: Schema.Finite,
  stream: Schema.String,
  streamCreated: Schema.String,
  sequence: Schema.Int,
  trace: Schema.optionalKey(headerMap)
}

const readHead = Schema.decodeUnknownResult(
  Schema.fromJsonString(
    Schema.Union([
      Schema.Struct({ ...about, headers: headerMap }),
      Schema.Struct({ ...about, object: Schema.String })
    ])
  )
)

/** The message's callback or what stands for it, or why there is none; the reason holds nothing of the message. */
export const decode = (message: Uint8Array): Result.Result<Callback | Reference, string> => {
  const end = message.indexOf(lineFeed)
  if (end < 0) return Result.fail("the message has no line with a head")
  const head = readHead(Buffer.from(message.subarray(0, end)).toString("utf8"))
  if (Result.isFailure(head))
    return Result.fail("the first line of the message is not the head of a callback")
  if ("object" in head.success) return Result.succeed(head.success)
  if (!URL.canParse(head.success.url)) return Result.fail("the message's url is not a URL")
  return Result.succeed({ ...head.success, body: message.subarray(end + 1) })
}
