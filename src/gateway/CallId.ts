import { Effect, Result } from "effect"
import * as Headers from "../domain/Headers.ts"
import * as Problems from "./Problems.ts"

export const headerName = "X-Call-Id"

const visibleAscii = /^[\x21-\x7e]{1,128}$/

/** The id the client gave its call, `undefined` when it gave none, or why it is refused. */
const fromHeaders = (header: Headers.HeaderMap): Result.Result<string | undefined, string> => {
  const [given, ...more] = Headers.values(header, headerName)
  if (given === undefined) return Result.succeed(undefined)
  if (more.length > 0) return Result.fail(`${headerName} was sent ${more.length + 1} times; send it once.`)
  if (visibleAscii.test(given)) return Result.succeed(given)
  return Result.fail(`${headerName} must have 1 to 128 visible ASCII characters, without spaces.`)
}

/** The id of a call: the client's own, or a new one. */
export const take = Effect.fnUntraced(function* (header: Headers.HeaderMap) {
  const given = yield* fromHeaders(header).pipe(Result.mapError(Problems.badCallId), Effect.fromResult)
  return given ?? crypto.randomUUID()
})
