import { Result } from "effect"
import * as Call from "../domain/Call.ts"
import type * as Excerpt from "../domain/Excerpt.ts"
import * as GoDuration from "../domain/GoDuration.ts"
import * as GoUrl from "../domain/GoUrl.ts"
import { printable, textOf } from "../domain/Printable.ts"
import type { Contents, StoredDeadLetter } from "../queue/StoredDeadLetters.ts"
import * as Credentials from "../settings/Credentials.ts"
import { secretKey } from "../telemetry/Logging.ts"

/** How much of a body is shown. */
const SHOWN_BYTES = 4096

export const iso = (millis: number | undefined): string =>
  millis === undefined ? "-" : new Date(millis).toISOString()

/** A letter without its message, for programs; what is not known is null. */
export const summaryJson = (letter: StoredDeadLetter) => ({
  sequence: letter.sequence,
  kind: letter.kind,
  function: letter.functionName,
  reason: letter.reason,
  detail: letter.detail,
  callId: letter.callId ?? null,
  attempts: letter.attempts ?? null,
  lastStatus: letter.lastStatus ?? null,
  accepted: letter.acceptedMillis === undefined ? null : iso(letter.acceptedMillis),
  dead: iso(letter.deadMillis),
  bytes: letter.bytes,
  origin: letter.origin
})

/** The whole letter for programs: texts where bytes are text, base64 where not. */
export const json = (letter: StoredDeadLetter, { answer, message }: Contents) => {
  const call = message === undefined ? undefined : Result.getOrUndefined(Call.decode(message))
  return {
    ...summaryJson(letter),
    answer: answer === undefined ? null : excerptJson(answer),
    call:
      call === undefined
        ? null
        : {
            method: call.method,
            path: call.path,
            queryString: call.queryString,
            callbackUrl: callbackOf(call) ?? null,
            headers: Object.fromEntries(
              Object.entries(call.header).map(([name, values]) => [
                name,
                secretKey.test(name) ? values.map(() => "***") : values
              ])
            ),
            annotations: call.annotations,
            body: excerptJson({ bytes: call.body, totalBytes: call.body.length })
          },
    message:
      call === undefined && message !== undefined
        ? excerptJson({ bytes: message, totalBytes: message.length })
        : null
  }
}

const excerptJson = ({ bytes, totalBytes }: Excerpt.Excerpt) => {
  const text = textOf(bytes, bytes.length < totalBytes)
  return text === undefined
    ? { bytes: totalBytes, base64: Buffer.from(bytes).toString("base64") }
    : { bytes: totalBytes, text }
}

/** The whole letter for people. */
export const text = (letter: StoredDeadLetter, { answer, message }: Contents): string => {
  const status = letter.lastStatus === undefined ? "" : `, last status ${letter.lastStatus}`
  const lived =
    letter.acceptedMillis === undefined
      ? ""
      : ` (after ${GoDuration.format(Math.max(0, letter.deadMillis - letter.acceptedMillis))})`
  const { sequence, stream, subject } = letter.origin
  return [
    `dead letter  ${letter.sequence}`,
    `reason       ${letter.reason}: ${letter.detail}`,
    `function     ${letter.functionName}`,
    `call id      ${letter.callId ?? "-"}`,
    `attempts     ${letter.attempts ?? "-"}${status}`,
    `accepted     ${iso(letter.acceptedMillis)}`,
    `died         ${iso(letter.deadMillis)}${lived}`,
    `came from    ${subject}, sequence ${sequence} of ${stream}`,
    ...(answer === undefined ? [] : section("last answer", answer)),
    "",
    ...messageLines(letter, message)
  ].join("\n")
}

const messageLines = (letter: StoredDeadLetter, message: Uint8Array | undefined): ReadonlyArray<string> => {
  if (message === undefined) return [`The message (${letter.bytes} bytes) was kept aside and is gone.`]
  const decoded = Call.decode(message)
  if (Result.isFailure(decoded)) {
    return section(`message, which is no call (${decoded.failure})`, whole(message)).slice(1)
  }
  const call = decoded.success
  const query = call.queryString === "" ? "" : `?${call.queryString}`
  const callbackUrl = callbackOf(call)
  return [
    printable(`${call.method} ${call.path || "/"}${query}`),
    ...Object.entries(call.header).flatMap(([name, values]) =>
      values.map((value) => printable(`${name}: ${secretKey.test(name) ? "***" : value}`))
    ),
    ...Object.entries(call.annotations).map(([name, value]) => printable(`annotation ${name}=${value}`)),
    ...(callbackUrl === undefined ? [] : [printable(`callback to ${callbackUrl}`)]),
    ...section("body", whole(call.body))
  ]
}

const whole = (bytes: Uint8Array): Excerpt.Excerpt => ({ bytes, totalBytes: bytes.length })

const callbackOf = ({ callbackUrl }: Call.Call): string | undefined => {
  if (callbackUrl === undefined) return undefined
  const url =
    typeof callbackUrl === "string" ? callbackUrl : Result.getOrElse(GoUrl.toUrl(callbackUrl), () => "?")
  return Credentials.hide(url)
}

/** Bytes under a title: as text when they are text, bounded. */
const section = (title: string, { bytes, totalBytes }: Excerpt.Excerpt): ReadonlyArray<string> => {
  const shown = bytes.subarray(0, SHOWN_BYTES)
  const isCut = shown.length < totalBytes
  const size = isCut ? `first ${shown.length} of ${totalBytes} bytes` : `${totalBytes} bytes`
  const decoded = textOf(shown, isCut)
  const kind = decoded === undefined ? ", base64" : ""
  const lines = totalBytes === 0 ? [] : (decoded ?? Buffer.from(shown).toString("base64")).split(/\r?\n/)
  return ["", `${title} (${size}${kind})`, ...lines.map((line) => `  ${printable(line)}`)]
}
